import { type Dimension, elementCount, type TensorType } from "../graph/tensor.ts";
import { BoltqError, placed } from "../io/error.ts";
import { constantElements, filledElements } from "./evaluation/constants.ts";
import type { KnownTensor, StaticType } from "./evaluation/evaluator.ts";
import { EVALUATORS } from "./evaluation/index.ts";
import { isInteger, ROUNDINGS } from "./evaluation/rounding.ts";
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxValue } from "./model.ts";
import { isStatic, productOf } from "./shape-rules/dimensions.ts";
import { SHAPE_RULES } from "./shape-rules/index.ts";
import { shapeSpan } from "./shape-rules/layout.ts";
import { nodeFacts, type Shape, shapeOf } from "./shape-rules/shape-rule.ts";
import { subgraphsOf } from "./subgraphs.ts";
import { numbersOf } from "./tensor-data.ts";

/** Unknown elements are carried along up to this many: enough for any shape. */
const MOST_UNKNOWN_ELEMENTS = 64;

/** Shapes of graph inputs by name: of those whose shape is open, or shall be another than the model states. */
export type InputShapes = Readonly<Record<string, readonly Dimension[]>>;

export interface InferenceOptions {
  readonly inputShapes: InputShapes;
  /** Elements are calculated for tensors up to this many. */
  readonly mostElements: number;
  /** Whether a constant's data may be counted on: not where the caller of the model may replace it. */
  readonly isConstant: (value: OnnxValue) => boolean;
}

/**
 * Goes through a model once, in order, and finds the type and shape of each value and, where they follow from constants
 * and shapes, its elements. Sets `value.type`.
 */
export class Inference {
  /** Elements found so far; names of dimensions and unknown ones may be among them. */
  readonly known: Map<OnnxValue, KnownTensor> = new Map();
  /** Operators whose outputs nothing is known of but what the model states. */
  readonly unresolved: OnnxNode[] = [];
  readonly #model: OnnxModel;
  readonly #options: InferenceOptions;
  readonly #opset: number;
  /** Sizes that given input shapes put in place of names. */
  readonly #bindings = new Map<string, Dimension>();
  /** Whether what the model states of values between inputs and outputs holds for the inputs as they are. */
  #trustsStated = true;

  constructor(model: OnnxModel, options: InferenceOptions) {
    this.#model = model;
    this.#options = options;
    this.#opset = model.opsets.get("") ?? 1;
  }

  /** Does it. Throws `usage` for input shapes that do not fit the inputs, `invalid-graph` where shapes contradict. */
  async run(): Promise<void> {
    this.#placeInputShapes();
    await this.#visitGraph(this.#model.main);
  }

  #placeInputShapes(): void {
    const { inputShapes, isConstant } = this.#options;
    const inputs = this.#model.main.graph.inputs.filter((input) => !isConstant(input));
    const names = new Set(inputs.map(({ name }) => name));
    for (const name of Object.keys(inputShapes)) if (!names.has(name)) throw unknownInput(name, [...names]);
    for (const input of inputs) {
      if (Object.hasOwn(inputShapes, input.name)) this.#placeInputShape(input, inputShapes[input.name]!);
      const open = input.type?.shape?.map((size) => (typeof size === "number" && size < 1 ? undefined : size));
      if (!isStatic(open)) this.#trustsStated = false;
      if (input.type !== undefined) setType(input, { ...input.type, shape: open });
    }
  }

  #placeInputShape(input: OnnxValue, given: Shape): void {
    const stated = input.type?.shape;
    if (stated !== undefined && stated.length !== given.length) {
      throw new BoltqError("usage", `the input "${input.name}" has ${stated.length} dimensions, not ${given.length}`);
    }
    stated?.forEach((size, axis) => {
      if (typeof size === "string") this.#bindings.set(size, given[axis]);
      if (size !== given[axis]) this.#trustsStated = false;
    });
    setType(input, { type: input.type?.type ?? "float32", shape: given });
  }

  async #visitGraph({ graph }: OnnxGraph): Promise<void> {
    for (const node of graph.nodes) {
      await placed({ subject: `operator "${node.name}" (${node.type})` }, () => this.#visit(node));
    }
  }

  async #visit(node: OnnxNode): Promise<void> {
    const inferred = await this.#inferTypes(node);
    if (inferred === undefined) this.unresolved.push(node);
    node.outputs.forEach((output, index) => {
      this.#settle(output, inferred?.[index], inferred !== undefined);
    });
    if (node.data.domain === "") await this.#evaluate(node);
  }

  async #inferTypes(node: OnnxNode): Promise<readonly (TensorType | undefined)[] | undefined> {
    if (node.data.domain !== "") return undefined;
    if (node.type === "If") return this.#visitBranches(node);
    if (node.type === "Loop") return this.#visitLoop(node);
    await this.#visitSubgraphs(node);
    if (!Object.hasOwn(SHAPE_RULES, node.type)) return undefined;
    const rule = SHAPE_RULES[node.type]!;
    for (const index of rule.reads ?? []) await this.#lookUp(node.inputs[index]);
    return rule.infer(nodeFacts(node, this.#opset, (value) => this.known.get(value)?.values));
  }

  /** Brings what was inferred and what the model states together. `byRule` tells that the operator has a rule. */
  #settle(value: OnnxValue, inferred: TensorType | undefined, byRule: boolean): void {
    const stated = this.#stated(value.type, byRule);
    const type = inferred?.type ?? stated?.type;
    if (type === undefined) return;
    const shape = inferred?.shape ?? stated?.shape;
    const sameRank = inferred?.shape !== undefined && stated?.shape?.length === inferred.shape.length;
    const merged = sameRank ? inferred.shape.map((size, axis) => size ?? stated.shape![axis]) : shape;
    requireSizes(merged, value);
    setType(value, { type, shape: merged });
  }

  /** What the model states of a value, as far as it holds for the inputs as they are. */
  #stated(stated: TensorType | undefined, byRule: boolean): TensorType | undefined {
    if (stated?.shape === undefined || this.#trustsStated) return stated;
    const given = Object.keys(this.#options.inputShapes).length > 0;
    if (!byRule && !given) return stated;
    const bound = (size: Dimension) => (typeof size === "string" ? (this.#bindings.get(size) ?? size) : undefined);
    return { type: stated.type, shape: stated.shape.map(bound) };
  }

  async #evaluate(node: OnnxNode): Promise<void> {
    const types = node.outputs.map(({ type }) => type);
    const results = this.#evaluateByShape(node) ?? (await this.#evaluateByInputs(node, types));
    results?.forEach((values, index) => {
      const type = types[index];
      if (type === undefined || !isStatic(type.shape)) return;
      if (values.length !== elementCount(type.shape)) return;
      if (values.length > 0 && values.every((value) => value === undefined)) return;
      this.known.set(node.outputs[index]!, { type: type.type, shape: type.shape, values });
    });
  }

  /** Operators whose result follows from attributes and shapes. */
  #evaluateByShape(node: OnnxNode): Dimension[][] | undefined {
    const input = shapeOf(node.inputs[0]);
    if (node.type === "Shape" && input !== undefined) return [input.slice(...shapeSpan(node, input.length))];
    if (node.type === "Size" && input !== undefined) return [[productOf(input)]];
    return undefined;
  }

  async #evaluateByInputs(node: OnnxNode, types: readonly (TensorType | undefined)[]): Promise<Results> {
    if (!types.every((type) => this.#isSmall(type))) return undefined;
    if (node.type === "Constant") return listed(await constantElements(node));
    if (node.type === "ConstantOfShape") return listed(await filledElements(node, types[0] as StaticType));
    if (!Object.hasOwn(EVALUATORS, node.type)) return undefined;
    if (!node.inputs.every((input) => input === undefined || this.#mayBeKnown(input))) return undefined;
    const inputs: (KnownTensor | undefined)[] = [];
    for (const input of node.inputs) inputs.push(await this.#lookUp(input));
    if (inputs.every((input) => input === undefined)) return undefined;
    const filled = inputs.map((input, index) => input ?? unknownElements(node.inputs[index]));
    if (filled.some((input, index) => input === undefined && node.inputs[index] !== undefined)) return undefined;
    return EVALUATORS[node.type]!(filled, types as readonly StaticType[], node);
  }

  /** Whether elements of the value can be had, before any is read. */
  #mayBeKnown(value: OnnxValue): boolean {
    if (this.known.has(value) || unknownElements(value) !== undefined) return true;
    return value.constant !== undefined && this.#options.isConstant(value) && this.#isSmall(value.constant);
  }

  #isSmall(type: TensorType | undefined): boolean {
    return type !== undefined && isStatic(type.shape) && elementCount(type.shape) <= this.#options.mostElements;
  }

  /** The elements of a value, read from its constant if need be; undefined if they are unknown or too many. */
  async #lookUp(value: OnnxValue | undefined): Promise<KnownTensor | undefined> {
    if (value === undefined) return undefined;
    const known = this.known.get(value);
    const { constant } = value;
    if (known !== undefined || constant === undefined || !this.#options.isConstant(value)) return known;
    if (!this.#isSmall(constant) || ROUNDINGS[constant.type] === undefined) return undefined;
    const read = { type: constant.type, shape: constant.shape, values: Array.from(await numbersOf(constant)) };
    this.known.set(value, read);
    return read;
  }

  /** Outputs of an If: what both branches have in common. */
  async #visitBranches(node: OnnxNode): Promise<readonly (TensorType | undefined)[] | undefined> {
    const branches = subgraphsOf(node);
    for (const branch of branches) await this.#visitGraph(branch);
    return node.outputs.map((_, index) =>
      branches.map(({ graph }) => typeOf(graph.outputs[index])).reduce((one, other) => commonType(one, other)),
    );
  }

  /** Body inputs: iteration, condition, state. Outputs: the state, then what each iteration adds along a new axis. */
  async #visitLoop(node: OnnxNode): Promise<readonly (TensorType | undefined)[] | undefined> {
    const [body] = subgraphsOf(node);
    if (body === undefined) return undefined;
    const states = node.inputs.length - 2;
    body.graph.inputs.slice(2).forEach((input, index) => {
      const type = typeOf(node.inputs[index + 2]);
      // The shape of the state may change from one iteration to the next.
      if (type !== undefined && input.type === undefined) input.type = { type: type.type, shape: undefined };
    });
    await this.#visitGraph(body);
    return node.outputs.map((_, index) => {
      const result = typeOf(body.graph.outputs[index + 1]);
      if (index < states) return commonType(result, typeOf(node.inputs[index + 2]));
      return result && { type: result.type, shape: result.shape && [undefined, ...result.shape] };
    });
  }

  async #visitSubgraphs(node: OnnxNode): Promise<void> {
    for (const graph of subgraphsOf(node)) await this.#visitGraph(graph);
  }
}

type Results = readonly (readonly Dimension[])[] | undefined;

function listed(elements: readonly Dimension[] | undefined): Results {
  return elements && [elements];
}

function unknownInput(name: string, names: readonly string[]): BoltqError {
  return new BoltqError("usage", `the model has no input "${name}"`, { remedy: `It has ${names.join(", ")}` });
}

function typeOf(value: OnnxValue | undefined): TensorType | undefined {
  return value?.constant ?? value?.type;
}

/** What holds of both. */
function commonType(one: TensorType | undefined, other: TensorType | undefined): TensorType | undefined {
  if (one === undefined || one.type !== other?.type) return undefined;
  if (one.shape === undefined || one.shape.length !== other.shape?.length) return { type: one.type, shape: undefined };
  return { type: one.type, shape: one.shape.map((size, axis) => (size === other.shape![axis] ? size : undefined)) };
}

/** Leaves the type object alone when it says the same: what was read is then written back as it was. */
function setType(value: OnnxValue, type: TensorType): void {
  const same =
    value.type?.type === type.type &&
    value.type.shape?.length === type.shape?.length &&
    (type.shape?.every((size, axis) => size === value.type!.shape![axis]) ?? true);
  if (!same) value.type = type;
}

function requireSizes(shape: Shape | undefined, { name }: OnnxValue): void {
  const wrong = shape?.find((size) => typeof size === "number" && !(Number.isSafeInteger(size) && size >= 0));
  if (wrong === undefined) return;
  throw new BoltqError("invalid-graph", `a dimension of "${name}" would be ${wrong}`, {
    remedy: "Give the input shapes that the model was made for",
  });
}

/** A small integer tensor of which only the shape is known, so that known elements beside it are not lost. */
function unknownElements(value: OnnxValue | undefined): KnownTensor | undefined {
  const type = value?.type;
  const shape = shapeOf(value);
  if (type === undefined || !isInteger(type.type) || !isStatic(shape)) return undefined;
  const count = elementCount(shape);
  if (count > MOST_UNKNOWN_ELEMENTS) return undefined;
  return { type: type.type, shape, values: new Array<Dimension>(count).fill(undefined) };
}
