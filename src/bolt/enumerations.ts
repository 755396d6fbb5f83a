import { BOLT_DATA_TYPES } from "./data-type.ts";

/** Layouts of tensors by number (common/uni/include/tensor_desc.h); the file formats use few of them. */
const DATA_FORMATS = [
  "NCHW",
  "NCHWN16",
  "NCHWC8",
  "HWNCN16",
  "NHWCN16",
  "NHWCN8",
  "HWNCN8C4",
  "NCHWN8C4",
  "NCHWN8HW4",
  "NCHWN16C8",
  "NCHWCxN32",
  "NCHWCxN24",
  "NCHWC24",
  "TRANSPOSE",
  "NORMAL",
  "MTK",
  "MKT",
  "NK",
  "NKN16",
  "NKN32",
  "NKN64",
  "NKN32K4",
  "NCHWC4",
  "NCHWC3",
  "NHWC",
  "NCHWN4C4",
  "NCHWN4",
  "HWCN",
  "NCWHN4C4",
  "NHWCN4",
  "CHWNC4",
  "CHWNC8",
  "CHWNC16",
  "CHWC8_NCN8",
  "RGB",
  "HWNCN8",
  "NKN24",
  "NKN12",
  "NKN8",
  "NKNxKx",
  "NKNx_NKN32",
  "NCHWC16",
  "NCHWC2NxC4",
  "SCALAR",
] as const;

/** The enumerations that stand in parameter structs (common/uni/include/parameter_spec.h). */
export type Enumeration =
  | "DataType"
  | "DataFormat"
  | "PoolingMode"
  | "RandomMode"
  | "RoundMode"
  | "ResizeMode"
  | "CoordinateTransMode"
  | "EltwiseMode"
  | "ActivationMode"
  | "BilateralSliceApplyMode"
  | "ConvolutionMode"
  | "PadMode"
  | "CheckMode"
  | "ReductionMode"
  | "RNNMode"
  | "ColorSpace";

/** Names of the values in order of their numbers; a place without a name is a number that is not used. */
const NAMES: Readonly<Record<Enumeration, readonly (string | undefined)[]>> = {
  DataType: BOLT_DATA_TYPES,
  DataFormat: DATA_FORMATS,
  PoolingMode: ["MAX", "MEAN"],
  RandomMode: ["NORMAL", "UNIFORM"],
  RoundMode: ["CEIL", "FLOOR", "TF_SAME", "TF_VALID", "PREFER_FLOOR", "PREFER_CEIL", "SAME_UPPER", "SAME_LOWER"],
  ResizeMode: ["LINEAR", "NEAREST", "CUBIC"],
  CoordinateTransMode: ["ALIGN_CORNERS", "HALF_PIXEL", "PYTORCH_HALF_PIXEL", "ASYMMETRIC", "OUTPUT_HALF_PIXEL"],
  EltwiseMode: ["SUM", "MAX", "MIN", "PROD", "SUB", "DIV", "SQRT", "ERF", "AND", "OR", "XOR"],
  ActivationMode: [
    "NULL",
    "RELU",
    "RELU6",
    "H_SWISH",
    "H_SIGMOID",
    "SIGMOID",
    "TANH",
    "GELU",
    "MISH",
    "GREATER",
    "SOFTPLUS",
    "EXP",
    "ABS",
    "SIGN",
    "H_SWISH_NODIV",
    "LOG",
    "NOT",
    "NEG",
    "ROUND",
    "FLOOR",
    "CEIL",
    "SWISH",
    "RECIPROCAL",
    "SIN",
    "COS",
    "ELU",
  ],
  BilateralSliceApplyMode: ["NULL", "CONV"],
  ConvolutionMode: [
    "POINTWISE",
    "DILATION",
    "DEPTHWISE",
    "DEPTHWISE_POINTWISE",
    "DECONVOLUTION",
    "DEPTHWISE_DECONVOLUTION",
  ],
  PadMode: ["CONSTANT", "REFLECT", "EDGE", "SYMMETRIC"],
  CheckMode: ["EQUAL", "GREATER_EQUAL", "GREATER", "LESS", "LESS_EQUAL", "NOT_EQUAL"],
  ReductionMode: ["SUM", "MEAN", "STD_DEVIATION", "SCALAR_PRODUCT", "MAX", "MIN", "L2"],
  RNNMode: ["RNN", "LSTM", "GRU", "GRU_LBR"],
  ColorSpace: sparse({
    RGB_0_255: 10,
    RGB_0_1: 11,
    BGR_0_255: 12,
    BGR_0_1: 13,
    RGBA_0_255: 20,
    RGBA_0_1: 21,
    BGRA_0_255: 22,
    BGRA_0_1: 23,
    YUV_NV21: 41,
    YUV_NV12: 42,
  }),
};

function sparse(numbers: Readonly<Record<string, number>>): (string | undefined)[] {
  const names: (string | undefined)[] = [];
  for (const [name, number] of Object.entries(numbers)) names[number] = name;
  return names;
}

export function isEnumeration(kind: string): kind is Enumeration {
  return Object.hasOwn(NAMES, kind);
}

/** The number of `name` in a file, or undefined when the enumeration lacks it. */
export function enumerationNumber(enumeration: Enumeration, name: string): number | undefined {
  const number = NAMES[enumeration].indexOf(name);
  return number < 0 ? undefined : number;
}

/** The name of `number`, or undefined for a number that the enumeration lacks. */
export function enumerationName(enumeration: Enumeration, number: number): string | undefined {
  return NAMES[enumeration][number];
}
