import { floatAttribute, intAttribute, textAttribute } from "../../onnx/attributes.ts";
import type { OnnxNode, OnnxValue } from "../../onnx/model.ts";

/**
 * How ONNX Runtime's CPU kernels take an operator between DequantizeLinear and QuantizeLinear (found by running each one
 * of them, 1.30 and 1.32). Operators not listed compute in float.
 */
export type Role =
  /** Multiplies with a weight: worth quantizing by itself. */
  | "matrix"
  /** Has an integer kernel that takes scales of inputs and output as they are. */
  | "integer"
  /** Joins inputs; may requantize, at a cost. */
  | "join"
  /** Moves numbers without changing them: output and input must have one scale. */
  | "pass";

const ROLES: Readonly<Record<string, Role>> = {
  Conv: "matrix",
  Gemm: "matrix",
  MatMul: "matrix",
  Add: "integer",
  Mul: "integer",
  AveragePool: "integer",
  GlobalAveragePool: "integer",
  LeakyRelu: "integer",
  Sigmoid: "integer",
  Concat: "join",
  MaxPool: "pass",
  Reshape: "pass",
  Flatten: "pass",
  Transpose: "pass",
  Squeeze: "pass",
  Unsqueeze: "pass",
  Slice: "pass",
  Split: "pass",
  Gather: "pass",
  Resize: "pass",
  Tile: "pass",
  Expand: "pass",
  DepthToSpace: "pass",
  Identity: "pass",
  Dropout: "pass",
};

/** Which inputs are activations; the others are parameters. Default: the first. */
const DATA_INPUTS: Readonly<Record<string, (node: OnnxNode) => readonly number[]>> = {
  Add: () => [0, 1],
  Mul: () => [0, 1],
  MatMul: (node) => (node.inputs[1]?.constant === undefined ? [0, 1] : [0]),
  Concat: (node) => node.inputs.map((_, index) => index),
};

/** Activations that end in the range of what is before them: nothing is left of them in the integer kernels. */
const FUSED_ACTIVATIONS: ReadonlySet<string> = new Set(["Relu", "Clip"]);

/** Why a listed operator is none after all. */
const EXCEPTIONS: Readonly<Record<string, (node: OnnxNode) => string | undefined>> = {
  Resize: (node) => (textAttribute(node, "mode", "nearest") === "nearest" ? undefined : "it interpolates"),
  Dropout: (node) => (node.outputs.length > 1 ? "it gives a mask too" : undefined),
  MaxPool: (node) => (node.outputs.length > 1 ? "it gives indices too" : undefined),
  Gemm: (node) =>
    floatAttribute(node, "alpha", 1) === 1 &&
    floatAttribute(node, "beta", 1) === 1 &&
    intAttribute(node, "transA", 0) === 0
      ? undefined
      : "the integer kernel has no alpha, beta or transA",
};

/** The role of an operator; undefined: float. */
export function roleOf(node: OnnxNode): Role | undefined {
  if (node.data.domain !== "" || !Object.hasOwn(ROLES, node.type)) return undefined;
  return exceptionOf(node) === undefined ? ROLES[node.type] : undefined;
}

/** Why this one has no role although its type has. */
export function exceptionOf(node: OnnxNode): string | undefined {
  return node.data.domain === "" && Object.hasOwn(EXCEPTIONS, node.type) ? EXCEPTIONS[node.type]!(node) : undefined;
}

/** The values that the operator computes with; undefined entries are left out. */
export function dataInputs(node: OnnxNode): OnnxValue[] {
  const places = Object.hasOwn(DATA_INPUTS, node.type) ? DATA_INPUTS[node.type]!(node) : [0];
  return places.flatMap((place) => node.inputs[place] ?? []);
}

export function isFusedActivation(node: OnnxNode): boolean {
  return node.data.domain === "" && FUSED_ACTIVATIONS.has(node.type);
}

/** Where a matrix operator's weight is and how it is laid out; undefined where it multiplies two activations. */
export interface WeightPlace {
  readonly value: OnnxValue;
  /** Axis of the output channels. */
  readonly axis: number;
}

/** The constant weight of a matrix operator. */
export function weightOf(node: OnnxNode): WeightPlace | undefined {
  const value = node.inputs[1];
  if (value?.constant === undefined) return undefined;
  const rank = value.constant.shape.length;
  if (node.type === "Conv") return { value, axis: 0 };
  if (node.type === "Gemm") return { value, axis: intAttribute(node, "transB", 0) === 1 ? 0 : 1 };
  if (node.type === "ConvTranspose") return { value, axis: 1 };
  return { value, axis: Math.max(0, rank - 1) };
}

/** The bias of a Conv or Gemm, if there is one. */
export function biasOf(node: OnnxNode): OnnxValue | undefined {
  return node.type === "MatMul" ? undefined : node.inputs[2];
}
