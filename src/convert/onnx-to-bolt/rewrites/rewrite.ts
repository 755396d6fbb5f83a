import { Value } from "../../../graph/graph.ts";
import { type ElementType, elementCount, type Tensor } from "../../../graph/tensor.ts";
import { BoltqError } from "../../../io/error.ts";
import type { OnnxGraph, OnnxNode, OnnxValue } from "../../../onnx/model.ts";
import { type AttributeInit, type AttributeInits, nodeData } from "../../../onnx/node-data.ts";
import { isStatic } from "../../../onnx/shape-rules/dimensions.ts";
import { type Shape, shapeOf } from "../../../onnx/shape-rules/shape-rule.ts";
import { encodedTensor } from "../../../onnx/tensor-data.ts";

/** A constant that a rewrite makes has no more: what the model's sizes ask for may be anything. */
const MOST_MADE_ELEMENTS = 2 ** 24;

type Attributes = AttributeInits;

/** An operator that is being rewritten into others, which stand in its place. */
export class Rewriting {
  readonly node: OnnxNode;
  /** Opset version of ai.onnx that the model imports. */
  readonly opset: number;
  readonly #graph: OnnxGraph;
  readonly #baseName: string;

  constructor(graph: OnnxGraph, node: OnnxNode, opset: number) {
    this.#graph = graph;
    this.#baseName = node.output().name;
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

  /** A constant with the number that each place gets. Throws `unsupported` where it would be too large. */
  filled(suffix: string, shape: readonly number[], numberAt: (index: number) => number, type: ElementType = "float32") {
    const length = elementCount(shape);
    if (length > MOST_MADE_ELEMENTS) this.fail(`in Bolt it needs a constant of ${shape.join(" x ")} numbers`);
    const values = Array.from({ length }, (_, index) => numberAt(index));
    return this.constant(suffix, encodedTensor(type, shape, values));
  }

  /** Adds an operator before the one that is rewritten. */
  add(
    type: string,
    inputs: readonly (OnnxValue | undefined)[],
    suffix: string,
    attributes: Attributes = {},
  ): OnnxValue {
    const output = this.value(suffix);
    this.insert(type, inputs, [output], attributes);
    return output;
  }

  /** Puts another operator in the place of this one; it gives the same first output. */
  replace(type: string, inputs: readonly (OnnxValue | undefined)[], attributes: Attributes = {}): void {
    const [output] = this.takeOutputs(this.node);
    this.insert(type, inputs, [output!], attributes, this.node.name);
    this.#graph.graph.remove(this.node);
  }

  /** Takes the operator out; its outputs are these values from now on, in order. What nothing reads may be left out. */
  become(...values: readonly (OnnxValue | undefined)[]): void {
    const outputs = this.takeOutputs(this.node);
    outputs.forEach((output, index) => {
      const value = values[index];
      if (value !== undefined) this.insert("Identity", [value], [output]);
      else if (this.isUsed(output)) this.fail(`its output ${index} is read, which Bolt does not make`);
    });
    this.#graph.graph.remove(this.node);
  }

  /** A value that nothing gives yet. */
  value(suffix: string): OnnxValue {
    return new Value(this.#name(suffix));
  }

  /** Adds an operator that gives these values before the one that is rewritten. */
  insert(
    type: string,
    inputs: readonly (OnnxValue | undefined)[],
    outputs: readonly OnnxValue[],
    attributes: Attributes = {},
    name = outputs[0]!.name,
  ): void {
    this.#graph.graph.insertBefore(this.node, { name, type, inputs, outputs, data: nodeData(attributes) });
  }

  /** The outputs of an operator, for others to give. */
  takeOutputs(node: OnnxNode): readonly OnnxValue[] {
    const { outputs } = node;
    node.setOutputs([]);
    return outputs;
  }

  remove(node: OnnxNode): void {
    this.#graph.graph.remove(node);
  }

  /** The operator that alone reads a value, if that is no output of the model. */
  onlyReader(value: OnnxValue): OnnxNode | undefined {
    const isOutput = this.#graph.graph.outputs.includes(value);
    return isOutput || value.users.length !== 1 ? undefined : value.users[0];
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
    return `${this.#baseName}/${suffix}`;
  }
}

/**
 * Writes an operator as others that Bolt computes rightly, or changes its attributes so; leaves it where it is right as
 * it is. Throws BoltqError `unsupported` where neither can be.
 */
export type Rewrite = (rewriting: Rewriting) => void | Promise<void>;

/** Rewrites of a family of operators, by type. */
export type RewriteTable = Readonly<Record<string, Rewrite>>;
