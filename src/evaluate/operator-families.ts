import type { Node, Value } from "../graph/graph.ts";

/** Only the number format of a value changes in them, or nothing at all: what they give stands for what they read. */
const FORMAT_CHANGES: ReadonlySet<string> = new Set([
  ...["QuantizeLinear", "DequantizeLinear", "Identity", "Dropout", "Cast", "Copy", "ReorderInput", "ReorderOutput"],
  "DynamicQuantizeLinear",
]);

/** Nodes that stand for constants and inputs. */
const SOURCES: ReadonlySet<string> = new Set(["Constant", "SharedWeight", "Input", "None", "PreAllocatedMemory"]);

/** Operators that two tools write in place of each other, by what they do. Others are a family of their own. */
const FAMILIES: Readonly<Record<string, readonly string[]>> = {
  convolution: ["Conv", "Convolution"],
  deconvolution: ["ConvTranspose", "Deconvolution"],
  product: ["Gemm", "MatMul", "FC", "MatMulNBits"],
  "batch normalization": ["BatchNormalization", "BatchNorm"],
  "layer normalization": ["LayerNormalization", "LayerNorm", "SkipLayerNormalization", "SimplifiedLayerNormalization"],
  pooling: ["MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "Pooling", "ReduceMean", "Reduction"],
  arithmetic: ["Add", "Sub", "Mul", "Div", "Sum", "Max", "Min", "Eltwise", "Power", "Pow", "Scale", "BiasAdd"],
  shape: ["Reshape", "Flatten", "Squeeze", "Unsqueeze"],
  relu: ["Relu", "Clip", "Relu6"],
  "leaky relu": ["LeakyRelu", "PRelu"],
  sigmoid: ["Sigmoid", "HardSigmoid", "HSigmoid"],
  swish: ["HardSwish", "HSwish", "HSwishNoDiv", "Swish", "QuickGelu", "Mish"],
  gelu: ["Gelu", "BiasGelu", "FastGelu"],
  tanh: ["Tanh", "TanH"],
  resize: ["Resize", "Upsample"],
  part: ["Slice", "Split", "TfSlice"],
  lookup: ["Gather", "Embedding"],
};

const FAMILY_OF: ReadonlyMap<string, string> = new Map(
  Object.entries(FAMILIES).flatMap(([family, types]) => types.map((type) => [type, family] as const)),
);

/** What a runtime puts before or behind an operator's name when it fuses or quantizes it. */
const DECORATIONS = /^(?:QLinear|DynamicQuantize|Dynamic|Fused|Nhwc|Q(?=Gemm))|Integer(?:ToFloat)?$/g;

/** What an operator does, whatever tool wrote it: `QLinearConv`, `FusedConv` and `ConvInteger` are convolutions. */
export function familyOf({ type }: { readonly type: string }): string {
  const plain = type.replaceAll(DECORATIONS, "");
  return FAMILY_OF.get(plain) ?? plain;
}

/** Families of element-wise operators that tools fuse into the operator before. */
const FUSIBLE: ReadonlySet<string> = new Set([
  ...["relu", "leaky relu", "sigmoid", "swish", "gelu", "tanh", "batch normalization", "arithmetic"],
  ...["Elu", "Softplus", "Exp", "Abs", "Neg", "Log", "Sqrt", "Reciprocal", "ChannelResize", "Erf"],
]);

/** Whether it may be left of one model that it is fused into the operator before. */
export function isFusible(node: Node): boolean {
  return FUSIBLE.has(familyOf(node)) && node.outputs.length === 1 && activationInputs(node).length === 1;
}

/** Families whose inputs may stand in any order. */
export function takesAnyOrder(node: Node): boolean {
  return familyOf(node) === "arithmetic";
}

/** Whether an operator is one of the network's, and no constant, input or change of the number format. */
export function isLayer(node: Node): boolean {
  return !SOURCES.has(node.type) && !FORMAT_CHANGES.has(node.type) && activationInputs(node).length > 0;
}

export function changesFormat({ type }: Node): boolean {
  return FORMAT_CHANGES.has(type);
}

/** What the operator reads that follows from the network's inputs, in order; a value read twice stands there twice. */
export function activationInputs(node: Node): Value[] {
  return node.inputs.flatMap((input) => (input === undefined || isFixed(input) ? [] : [input]));
}

/** Whether a value is a constant, one that only changed its number format, or a scale that is found at each run. */
export function isFixed(value: Value, depth = MOST_DEEP): boolean {
  if (value.constant !== undefined) return true;
  const { producer } = value;
  if (producer === undefined || depth === 0) return false;
  if (producer.type === "Input" || producer.type === "None") return false;
  if (SOURCES.has(producer.type)) return true;
  if (producer.type === "DynamicQuantizeLinear" && producer.outputs[0] !== value) return true;
  if (!changesFormat(producer) && producer.type !== "Mul") return false;
  const read = producer.type === "Mul" ? producer.inputs : producer.inputs.slice(0, 1);
  return read.every((input) => input !== undefined && isFixed(input, depth - 1));
}

/** Steps between a constant and what is made of it. */
const MOST_DEEP = 4;

/** The value as it was before its number format was changed. */
export function origin(value: Value): Value {
  let current = value;
  while (current.producer !== undefined && changesFormat(current.producer)) {
    const [source] = current.producer.inputs;
    if (source === undefined) break;
    current = source;
  }
  return current;
}

/** The operators that read a value, also behind changes of the number format. */
export function readersOf(value: Value): Node[] {
  const readers: Node[] = [];
  const front = [value];
  for (let next = front.pop(); next !== undefined; next = front.pop()) {
    for (const user of next.users) {
      if (!changesFormat(user)) readers.push(user);
      else if (user.outputs[0] !== undefined) front.push(user.outputs[0]);
    }
  }
  return readers;
}
