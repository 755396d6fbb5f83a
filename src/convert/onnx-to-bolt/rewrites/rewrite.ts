import { Value } from "../../../graph/graph.ts";
import type { ElementType, Tensor } from "../../../graph/tensor.ts";
import { BoltqError } from "../../../io/error.ts";
import type { OnnxGraph, OnnxNode, OnnxValue } from "../../../onnx/model.ts";
import { type AttributeInit, nodeData } from "../../../onnx/node-data.ts";
import { isStatic } from "../../../onnx/shape-rules/dimensions.ts";
import { type Shape, shapeOf } from "../../../onnx/shape-rules/shape-rule.ts";

type Attributes = Readonly<Record<string, AttributeInit>>;

/** An operator that is being rewritten into others, which stand in its place. */
export class Rewriting {
  readonly node: OnnxNode;
  /** Opset version of ai.onnx that the model imports. */
  readonly opset: number;
  readonly #graph: OnnxGraph;

  constructor(graph: OnnxGraph, node: OnnxNode, opset: number) {
    this.#graph = graph;
    this.node = node;
    this.opset = opset;
  }

  typeOf(index: number): ElementType {
    const input = this.node.input(index);
    return input.constant?.type ?? input.type?.type ?? "float32";
  }

  /** Shape of an input. Throws `unsupported` when its rank is unknown. */
  shapeOf(index: number): Shape {
    return shapeOf(this.node.input(index)) ?? this.fail("the rank of its input is unknown");
  }

  /** Shape of an input. Throws `unsupported` when a size is unknown. */
  staticShapeOf(index: number): readonly number[] {
    const shape = this.shapeOf(index);
    return isStatic(shape) ? shape : this.fail("the size of its input is unknown");
  }

  /** Whether something reads the output, or it is one of the model. */
  isUsed(output: OnnxValue | undefined): boolean {
    return output !== undefined && (output.used || this.#graph.graph.outputs.includes(output));
  }

  constant(suffix: string, constant: Tensor): OnnxValue {
    const value: OnnxValue = new Value(this.#name(suffix), { constant });
    this.#graph.initializers.push(value);
    return value;
  }

  /** Adds an operator before the one that is rewritten. */
  add(
    type: string,
    inputs: readonly (OnnxValue | undefined)[],
    suffix: string,
    attributes: Attributes = {},
  ): OnnxValue {
    const name = this.#name(suffix);
    const output: OnnxValue = new Value(name);
    this.#graph.graph.insertBefore(this.node, { name, type, inputs, outputs: [output], data: nodeData(attributes) });
    return output;
  }

  /** Puts another operator in the place of this one; it gives the same first output. */
  replace(type: string, inputs: readonly (OnnxValue | undefined)[], attributes: Attributes = {}): void {
    const outputs = this.node.outputs.slice(0, 1);
    const { name } = this.node;
    this.node.setOutputs([]);
    this.#graph.graph.insertBefore(this.node, { name, type, inputs, outputs, data: nodeData(attributes) });
    this.#graph.graph.remove(this.node);
  }

  /** Replaces an attribute of the operator, or with undefined takes it away. */
  setAttribute(name: string, value: AttributeInit | undefined): void {
    const { attributes } = this.node.data;
    if (value === undefined) attributes.delete(name);
    else attributes.set(name, nodeData({ [name]: value }).attributes.get(name)!);
  }

  fail(
    problem: string,
    remedy = "Give the shapes of the inputs (--input-shape), or export the model otherwise",
  ): never {
    throw new BoltqError("unsupported", problem, {
      subject: `operator "${this.node.name}" (${this.node.type})`,
      remedy,
    });
  }

  #name(suffix: string): string {
    return `${this.node.output().name}/${suffix}`;
  }
}

/**
 * Writes an operator as others that Bolt computes rightly, or changes its attributes so; leaves it where it is right as
 * it is. Throws BoltqError `unsupported` where neither can be.
 */
export type Rewrite = (rewriting: Rewriting) => void | Promise<void>;

/** Rewrites of a family of operators, by type. */
export type RewriteTable = Readonly<Record<string, Rewrite>>;
