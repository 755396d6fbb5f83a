import type { BoltVersion } from "./version.ts";

/** Operator names by number, as of file version 20220126 and later (common/uni/include/operator_type.h). */
export const OPERATOR_TYPES = [
  "None",
  "Input",
  "Conv",
  "Deconvolution",
  "FC",
  "RNN",
  "MatMul",
  "Resize",
  "BilateralSliceApply",
  "Pooling",
  "Scale",
  "PRelu",
  "BatchNorm",
  "LayerNorm",
  "L2Norm",
  "Reduction",
  "ArgMax",
  "Softmax",
  "SoftmaxWithLoss",
  "LogSoftmax",
  "Clip",
  "Power",
  "Sigmoid",
  "Relu",
  "Relu6",
  "HSwish",
  "HSigmoid",
  "Gelu",
  "TanH",
  "Mish",
  "Erf",
  "Gather",
  "Embedding",
  "Pad",
  "Eltwise",
  "Concat",
  "Slice",
  "TfSlice",
  "Cast",
  "Shape",
  "ConstantOfShape",
  "Transpose",
  "Reshape",
  "Squeeze",
  "Unsqueeze",
  "Space2Depth",
  "Depth2Space",
  "Constant",
  "ChannelResize",
  "PreAllocatedMemory",
  "SharedWeight",
  "Copy",
  "Check",
  "Repeat",
  "Jump",
  "Attention",
  "AttentionMask",
  "RelativePositionEmbedding",
  "RelativeShift",
  "PriorBox",
  "DetectionOutput",
  "Yolov3DetectionOutput",
  "MultiHeadAttention",
  "SqDiff",
  "Tile",
  "Splice",
  "Neg",
  "Greater",
  "Where",
  "Softplus",
  "Exp",
  "OneHot",
  "Tdnn",
  "Dropout",
  "TopK",
  "SpaceToBatchNd",
  "BatchToSpaceNd",
  "Abs",
  "NonZero",
  "Sign",
  "HSwishNoDiv",
  "InstanceNorm",
  "Expand",
  "Scatter",
  "Select",
  "Not",
  "Reciprocal",
  "Log",
  "GenerateProposals",
  "RoIAlign",
  "GAT",
  "QuantizeLinear",
  "Round",
  "Floor",
  "Ceil",
  "Random",
  "Cum",
  "GridSample",
  "NonMaxSuppression",
  "Range",
  "Swish",
  "Sin",
  "Cos",
  "Elu",
  "Einsum",
  "UnPooling",
  "Flatten",
  "ConvertColor",
  "Lut",
  "LutPreprocess",
] as const;

/** An operator of Bolt. `Split` and `Equal` exist in version 20201120 alone; Bolt renumbered them later. */
export type BoltOperatorType = (typeof OPERATOR_TYPES)[number] | "Split" | "Equal";

/** Numbers that meant another operator in version 20201120. */
const OLDEST_NAMES: Readonly<Record<number, BoltOperatorType>> = { 71: "Split", 78: "Equal" };

/** First number that each version does not know any more. */
const OPERATOR_COUNTS: Readonly<Record<BoltVersion, number>> = {
  20201120: 91,
  20211021: 101,
  20220126: 101,
  20220817: 110,
  20220831: 110,
};

/** The operator that `number` stands for, or undefined when that version has none. */
export function operatorOfNumber(number: number, version: BoltVersion): BoltOperatorType | undefined {
  if (number >= OPERATOR_COUNTS[version]) return undefined;
  return (version === 20201120 ? OLDEST_NAMES[number] : undefined) ?? OPERATOR_TYPES[number];
}

const NUMBER_OF = new Map<string, number>(OPERATOR_TYPES.map((type, number) => [type, number]));
const OLDEST_NUMBER_OF = new Map<string, number>(
  Object.entries(OLDEST_NAMES).map(([number, type]) => [type, Number(number)]),
);

/** The number of `type` in a file of `version`, or undefined when that version has no such operator. */
export function numberOfOperator(type: string, version: BoltVersion): number | undefined {
  const number = (version === 20201120 ? OLDEST_NUMBER_OF.get(type) : undefined) ?? NUMBER_OF.get(type);
  return number !== undefined && operatorOfNumber(number, version) === type ? number : undefined;
}
