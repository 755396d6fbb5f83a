import { elementCount } from "../graph/tensor.ts";
import { intAttribute, intsAttribute } from "./attributes.ts";
import { KnownShapes, type PartialShape, type PartialValues, sizesOf } from "./known-shapes.ts";
import type { OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from "./model.ts";
import { SHAPE_RULES } from "./shape-rules.ts";
import { integerTensor, numbersOf } from "./tensor-data.ts";

/** Constants up to this size take part in the arithmetic of shapes. */
const MOST_ELEMENTS = 64;

export interface FoldOptions {
  /** Sizes of inputs, by name, where the model leaves them open. */
  readonly inputShapes?: Readonly<Record<string, readonly number[]>>;
  /** Called for every batch dimension that is open and taken as 1. */
  readonly onAssumedBatch?: (input: string) => void;
}

/**
 * Computes what a graph computes of its shapes alone, and puts constants in place of it; operators that nothing needs any
 * more are removed. An open first dimension of an input is taken as 1. Changes the model; returns how many operators went.
 */
export async function foldShapes(model: OnnxModel, options: FoldOptions = {}): Promise<number> {
  const { graph, initializers } = model.main;
  const known = new KnownShapes();
  const constants = new Set(initializers);
  for (const input of graph.inputs) if (!constants.has(input)) known.setShape(input, inputShape(input, options));
  for (const value of initializers) await learnConstant(value, value.constant, known);
  const before = graph.size;
  for (const node of graph.nodes) await learnNode(node, known);
  for (const node of graph.nodes) replaceByConstant(node, known);
  removeUnneeded(model);
  return before - graph.size;
}

function inputShape(input: OnnxValue, { inputShapes = {}, onAssumedBatch }: FoldOptions): PartialShape | undefined {
  const given = Object.hasOwn(inputShapes, input.name) ? inputShapes[input.name] : undefined;
  if (given !== undefined) {
    input.type = { type: input.type?.type ?? "float32", shape: given };
    return given;
  }
  const shape = input.type?.shape;
  if (shape === undefined || shape.length === 0) return undefined;
  const sizes = [...sizesOf(shape)];
  if (sizes[0] === undefined || sizes[0] === 0) {
    onAssumedBatch?.(input.name);
    sizes[0] = 1;
  }
  return sizes;
}

async function learnConstant(value: OnnxValue, tensor: OnnxTensor | undefined, known: KnownShapes): Promise<void> {
  if (tensor === undefined) return;
  known.setShape(value, tensor.shape);
  if (
    tensor.shape.length > 1 ||
    elementCount(tensor.shape) > MOST_ELEMENTS ||
    !/^(int|uint|float|bool)/.test(tensor.type)
  )
    return;
  known.setValues(value, Array.from(await numbersOf(tensor)));
}

async function learnNode(node: OnnxNode, known: KnownShapes): Promise<void> {
  if (node.data.domain !== "") return;
  const value = node.data.attributes.get("value");
  if (node.type === "Constant" && value?.kind === "tensor") return learnConstant(node.output(), value.value, known);
  const rule = Object.hasOwn(SHAPE_RULES, node.type) ? SHAPE_RULES[node.type] : undefined;
  rule?.(node, known).forEach((shape, index) => {
    const output = node.outputs[index];
    if (output !== undefined) known.setShape(output, shape);
  });
  const output = node.outputs[0];
  const evaluate = Object.hasOwn(VALUE_RULES, node.type) ? VALUE_RULES[node.type] : undefined;
  if (output !== undefined && evaluate !== undefined) known.setValues(output, evaluate(node, known));
}

type ValueRule = (node: OnnxNode, known: KnownShapes) => PartialValues | undefined;

const first: ValueRule = (node, known) => known.values(node.inputs[0]);

const elementwise =
  (operation: (one: number, other: number) => number): ValueRule =>
  (node, known) => {
    const [one, other] = [known.values(node.inputs[0]), known.values(node.inputs[1])];
    if (one === undefined || other === undefined) return undefined;
    const at = (values: PartialValues, index: number) => values[values.length === 1 ? 0 : index];
    return Array.from({ length: Math.max(one.length, other.length) }, (_, index) => {
      const [left, right] = [at(one, index), at(other, index)];
      return left === undefined || right === undefined ? undefined : operation(left, right);
    });
  };

/** Integers computed from shapes; each rule gives the elements of a tensor of at most one axis. */
const VALUE_RULES: Readonly<Record<string, ValueRule>> = {
  Shape: (node, known) => known.shape(node.inputs[0]),
  Identity: first,
  Cast: (node, known) =>
    isIntegerCast(node)
      ? first(node, known)?.map((value) => (value === undefined ? undefined : Math.trunc(value)))
      : first(node, known),
  Floor: (node, known) => first(node, known)?.map((value) => (value === undefined ? undefined : Math.floor(value))),
  Ceil: (node, known) => first(node, known)?.map((value) => (value === undefined ? undefined : Math.ceil(value))),
  Squeeze: first,
  Unsqueeze: (node, known) => ((known.shape(node.output())?.length ?? 2) <= 1 ? first(node, known) : undefined),
  Reshape: (node, known) => ((known.shape(node.output())?.length ?? 2) <= 1 ? first(node, known) : undefined),
  Concat: (node, known) => concatenated(node.inputs.map((input) => known.values(input))),
  Gather: (node, known) => {
    const [data, index] = [known.values(node.inputs[0]), known.values(node.inputs[1])];
    if (data === undefined || index === undefined || intAttribute(node, "axis", 0) !== 0) return undefined;
    return index.map((place) => (place === undefined ? undefined : data.at(place)));
  },
  Slice: (node, known) => {
    const data = known.values(node.inputs[0]);
    const list = (name: string, place: number) => (intsAttribute(node, name) ?? known.values(node.inputs[place]))?.[0];
    const [start, end, step] = [list("starts", 1), list("ends", 2), list("steps", 4) ?? 1];
    return data === undefined || start === undefined || end === undefined || step !== 1
      ? undefined
      : data.slice(start, end);
  },
  Add: elementwise((one, other) => one + other),
  Sub: elementwise((one, other) => one - other),
  Mul: elementwise((one, other) => one * other),
  Div: elementwise((one, other) => Math.trunc(one / other)),
};

function isIntegerCast(node: OnnxNode): boolean {
  return [6, 7].includes(intAttribute(node, "to", 1));
}

function concatenated(parts: readonly (PartialValues | undefined)[]): PartialValues | undefined {
  return parts.some((part) => part === undefined) ? undefined : parts.flatMap((part) => [...part!]);
}

/** Only what comes from integers: a float Div of two shapes is not a shape. */
function replaceByConstant(node: OnnxNode, known: KnownShapes): void {
  const output = node.outputs[0];
  const values = output === undefined ? undefined : known.values(output);
  if (
    node.type === "Constant" ||
    output === undefined ||
    values === undefined ||
    !values.every((value) => Number.isInteger(value))
  )
    return;
  if (node.outputs.length !== 1 || !dependsOnShape(node)) return;
  const shape = known.shape(output);
  const rank = shape?.length ?? 1;
  output.constant = integerTensor(rank === 0 ? [] : [values.length], values as number[]);
}

/** Whether some input goes back to a Shape, so that no float arithmetic is taken for that of sizes. */
function dependsOnShape(node: OnnxNode): boolean {
  const waiting = [node];
  for (let steps = 0; waiting.length > 0 && steps < 1000; steps++) {
    const next = waiting.pop()!;
    if (next.type === "Shape") return true;
    for (const input of next.inputs) if (input?.producer !== undefined) waiting.push(input.producer);
  }
  return false;
}

/** Removes operators whose results are constants now or that nothing reads, from the end. */
function removeUnneeded({ main }: OnnxModel): void {
  const outputs = new Set(main.graph.outputs);
  for (const node of main.graph.nodes.toReversed()) {
    const folded = node.outputs.length === 1 && node.type !== "Constant" && node.output().constant !== undefined;
    const unused = node.outputs.every((output) => !output.used && !outputs.has(output));
    if (folded || unused) main.graph.remove(node);
  }
}
