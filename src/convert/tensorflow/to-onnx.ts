import { BoltqError, placed } from "../../io/error.ts";
import { foldConstants } from "../../onnx/constant-folding.ts";
import type { InputShapes } from "../../onnx/inference.ts";
import type { OnnxModel, OnnxValue } from "../../onnx/model.ts";
import { firstShape, LayoutParts, Layouts } from "../channels-last/layout.ts";
import { GraphBuilder } from "../graph-builder.ts";
import { KnownNumbers } from "../known-numbers.ts";
import { inlineFunctions } from "./inline-functions.ts";
import { parseReference, subjectOf, type TensorflowGraph, type TensorflowNode } from "./node.ts";
import {
  DEAD,
  OperatorContext,
  type OperatorTable,
  type Result,
  type Rewritable,
  type TensorflowValues,
} from "./operator-context.ts";
import { ACTIVATIONS } from "./operators/activations.ts";
import { ARITHMETIC } from "./operators/arithmetic.ts";
import { FLOW } from "./operators/flow.ts";
import { MATRICES } from "./operators/matrix.ts";
import { SHAPES } from "./operators/shape.ts";
import { WINDOWS } from "./operators/windows.ts";
import { isInput, reachable } from "./reachable.ts";

const OPERATORS: OperatorTable = { ...ACTIVATIONS, ...ARITHMETIC, ...FLOW, ...MATRICES, ...SHAPES, ...WINDOWS };

/**
 * The graph as an ONNX model, whose values are called as the operators that give them. Values of four axes have their
 * channels first, those of the interface too, whichever way the graph states its maps. An open batch is 1. `inputShapes`
 * are those of inputs that the graph leaves open, channels first. Throws BoltqError: `unsupported` with all operators that
 * cannot be converted, or that ONNX cannot state; `format` where sizes do not fit.
 */
export async function tensorflowToOnnx(graph: TensorflowGraph, inputShapes: InputShapes = {}): Promise<OnnxModel> {
  const nodes = inlineFunctions(graph);
  const { ordered, results } = reachable(nodes);
  refuseUnknownOperators(ordered);
  const conversion = new Conversion(nodes, ordered, inputShapes);
  for (const node of ordered) await placed({ subject: subjectOf(node) }, () => conversion.node(node));
  const model = conversion.finish(results);
  await foldConstants(model);
  return model;
}

function refuseUnknownOperators(nodes: readonly TensorflowNode[]): void {
  const unknown = nodes.filter(
    (node) => !isInput(node) && node.type !== "Const" && !Object.hasOwn(OPERATORS, node.type),
  );
  if (unknown.length === 0) return;
  const first = new Map(unknown.toReversed().map(({ type, name }) => [type, name]));
  const list = [...first].sort().map(([type, name]) => `${type} ("${name}")`);
  throw new BoltqError("unsupported", `the graph has operators that cannot be converted: ${list.join(", ")}`, {
    remedy: REMEDIES.find(([pattern]) => [...first.keys()].some((type) => pattern.test(type)))?.[1] ?? REMEDY,
  });
}

const REMEDY = "Cut the graph before them, or convert the original model to ONNX";

const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [
    /^(Variable|VarHandleOp|ReadVariableOp)/,
    "Freeze the graph first: tf.compat.v1.graph_util.convert_variables_to_constants, or convert_variables_to_constants_v2",
  ],
  [
    /^(Enter|Exit|NextIteration|LoopCond|While|StatelessWhile|If|StatelessIf|TensorArray.*|TensorList.*)$/,
    "Take loops and conditions out of the graph: cut it before them, or export the model with a fixed number of steps",
  ],
  [/^(Iterator|Queue|.*Dataset|Decode|ReadFile|ParseExample)/, "Cut the graph behind what reads and decodes its input"],
];

/** Operators that say how a graph states its maps. */
const MAPS = /^(Conv2D.*|DepthwiseConv2dNative|MaxPool(V2)?|AvgPool|BiasAdd)$/;

class Conversion implements TensorflowValues {
  readonly builder = new GraphBuilder("model");
  readonly layouts: Layouts = new Layouts();
  readonly known: KnownNumbers = new KnownNumbers();
  readonly rewritable: Rewritable = { withBias: new Map(), dealt: new Map(), dilated: new Map() };
  readonly #results = new Map<string, readonly Result[]>();
  readonly #inputShapes: InputShapes;
  readonly #isChannelsFirst: boolean;
  /** Values that are called after an operator. */
  readonly #named = new Set<OnnxValue>();
  readonly #outputs = new Set<OnnxValue>();

  constructor(nodes: readonly TensorflowNode[], ordered: readonly TensorflowNode[], inputShapes: InputShapes) {
    this.#inputShapes = inputShapes;
    const first = ordered.find(({ type }) => MAPS.test(type));
    this.#isChannelsFirst = first?.attributes.get("data_format")?.text === "NCHW";
    for (const name of new Set(nodes.map((node) => node.name))) this.builder.reserve(name);
  }

  async node(node: TensorflowNode): Promise<void> {
    this.#results.set(node.name, await this.#convert(node));
  }

  async #convert(node: TensorflowNode): Promise<readonly Result[]> {
    if (isInput(node)) return [this.#input(node)];
    if (node.type === "Const") return [await this.#constant(node)];
    const read = node.inputs.map((input) => this.#read(input, node));
    const alive = read.filter((value) => value !== DEAD);
    const isDead = node.type === "Merge" ? alive.length === 0 : alive.length < read.length;
    // All that depends on what is not computed is not computed either.
    if (isDead) return [DEAD];
    const context = new OperatorContext(node, alive, this);
    const result = await OPERATORS[node.type]!(context);
    const values = typeof result === "string" || !("length" in result) ? [result] : result;
    for (const [index, value] of values.entries()) if (value !== DEAD) await this.#settle(node, value, index);
    return values;
  }

  /** What an operator computes is called after it, in the order of axes in which it was computed. */
  async #settle(node: TensorflowNode, value: OnnxValue, index: number): Promise<void> {
    const computed = this.layouts.computedLast.get(value) ?? value;
    if (computed.producer !== undefined && !this.#named.has(computed)) {
      this.#named.add(computed);
      computed.name = resultName(node, index);
      if (index === 0) computed.producer.name = node.name;
    }
    await this.known.of(computed);
  }

  #read(input: string, node: TensorflowNode): Result {
    const [name, index] = parseReference(input);
    const results = this.#results.get(name);
    if (results?.[0] === DEAD && results.length === 1) return DEAD;
    const value = results?.[index];
    if (value !== undefined) return value;
    throw new BoltqError("unsupported", `it reads "${input}", which is not computed here`, {
      subject: subjectOf(node),
    });
  }

  #input(node: TensorflowNode): OnnxValue {
    const type = node.attributes.get("dtype")?.type;
    if (type === undefined || type === "string")
      throw new BoltqError("unsupported", "inputs that are no numbers cannot be converted", {
        remedy: "Cut the graph behind what reads and decodes its input",
      });
    const shape = this.#shapeOfInput(node);
    const parts = new InterfaceParts(this.builder, node.name, this.layouts);
    if (!this.#isChannelsFirst) return this.builder.input(node.name, type, shape);
    return parts.first(this.builder.input(node.name, type, shape));
  }

  /** As the model will state it. */
  #shapeOfInput({ name, attributes }: TensorflowNode): readonly number[] {
    const given = Object.hasOwn(this.#inputShapes, name) ? this.#inputShapes[name] : undefined;
    const stated = attributes.get("shape")?.shape;
    const turned = stated && (this.#isChannelsFirst ? stated : firstShape(stated));
    const shape = given ?? turned?.map((size, axis) => (size < 0 && axis === 0 ? 1 : size));
    if (given !== undefined && stated !== undefined && given.length !== stated.length)
      throw new BoltqError("usage", `the input "${name}" has ${stated.length} dimensions, not ${given.length}`);
    const isKnown = shape?.every((size) => typeof size === "number" && Number.isSafeInteger(size) && size >= 0);
    if (isKnown) return shape as readonly number[];
    const example =
      shape === undefined ? "1x3x224x224" : shape.map((size) => (Number(size) < 0 ? 224 : size)).join("x");
    throw new BoltqError("unsupported", "the graph leaves its sizes open", {
      remedy: `Give them to X2bolt or boltq convert, channels first, as in --input-shape ${name}=${example}`,
    });
  }

  async #constant(node: TensorflowNode): Promise<OnnxValue> {
    const tensor = await node.attributes.get("value")?.tensor?.();
    if (tensor === undefined) throw new BoltqError("format", "a constant has no value");
    const constant = this.builder.constant(node.name, tensor);
    constant.name = node.name;
    return new InterfaceParts(this.builder, node.name, this.layouts).first(constant);
  }

  finish(results: readonly TensorflowNode[]): OnnxModel {
    const outputs = results.flatMap((node) =>
      this.#results.get(node.name)!.map((value, index) => ({ node, value, name: resultName(node, index) })),
    );
    const alive = outputs.filter(({ value }) => value !== DEAD);
    if (alive.length === 0) throw new BoltqError("format", "the graph computes nothing");
    for (const { node, value, name } of alive) this.#output(node, value as OnnxValue, name);
    this.builder.removeUnused();
    return this.builder.finish("");
  }

  #output(node: TensorflowNode, value: OnnxValue, name: string): void {
    const parts = new InterfaceParts(this.builder, node.name, this.layouts);
    const given = this.#isChannelsFirst ? parts.last(value, "output") : value;
    const isFree = given.producer !== undefined && !this.#outputs.has(given);
    const output = isFree ? given : this.builder.add("Identity", [given], { name: `${name}/output` });
    const computed = this.layouts.computedLast.get(value);
    if (computed !== output && computed?.name === name) computed.name = this.builder.unique(`${name}/last`);
    output.name = name;
    this.#outputs.add(output);
    this.builder.output(output);
  }
}

function resultName({ name }: TensorflowNode, index: number): string {
  return index === 0 ? name : `${name}:${index}`;
}

/** Turns what is not of an operator. */
class InterfaceParts extends LayoutParts {
  override fail(code: BoltqError["code"], problem: string): never {
    throw new BoltqError(code, problem);
  }
}
