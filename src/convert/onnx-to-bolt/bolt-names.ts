import { memoryBytes, NO_BYTES } from "../../io/bytes.ts";
import { floatAttribute, intsAttribute } from "../../onnx/attributes.ts";
import type { OnnxNode } from "../../onnx/model.ts";
import { floatData } from "../../onnx/tensor-data.ts";
import { constantIntegers, type Lower, type LoweredWeight, requireConstant } from "./lowering.ts";
import { fullyConnected } from "./matrix.ts";

async function weightOf(node: OnnxNode, weight: number, vector?: number): Promise<LoweredWeight> {
  return {
    dataType: "F32",
    weight: await floatData(requireConstant(node, weight, "weight")),
    vector: vector === undefined ? NO_BYTES : await floatData(requireConstant(node, vector, "bias")),
  };
}

const lowerLinear: Lower = async (node) => {
  const outputs = requireConstant(node, 1, "weight").shape[0]!;
  return [{ type: "FC", parameters: fullyConnected(outputs), weight: await weightOf(node, 1) }];
};

const lowerScale: Lower = async (node) => [
  { type: "Power", parameters: { scale: floatAttribute(node, "scale", 1), shift: 0, power: 1 } },
];

/** Mean and variance alone, along the last axis. */
const lowerBatchNorm: Lower = async (node) => [
  {
    type: "BatchNorm",
    parameters: {
      axis: -1,
      eps: floatAttribute(node, "epsilon", 1e-5),
      gama: 1,
      momentum: floatAttribute(node, "momentum", 0.9),
    },
    weight: await weightOf(node, 1, 2),
  },
];

const lowerSplice: Lower = async (node) => {
  const context = intsAttribute(node, "context") ?? [];
  const indices = intsAttribute(node, "forward_indexes") ?? [];
  return [
    {
      type: "Splice",
      parameters: {
        context,
        num_context: context.length,
        index_min: indices.reduce((least, index) => Math.min(least, index), 0),
        index_max: indices.reduce((most, index) => Math.max(most, index), 0),
      },
      weight: {
        dataType: "U32",
        weight: memoryBytes(new Uint8Array(Int32Array.from(indices).buffer)),
        vector: NO_BYTES,
      },
    },
  ];
};

const lowerTdnn: Lower = async (node) => {
  requireConstant(node, 1, "context");
  const context = (await constantIntegers(node, 1))!;
  const outputs = requireConstant(node, 2, "weight").shape[0]!;
  return [
    {
      type: "Tdnn",
      parameters: { context, num_context: context.length, num_outputs: outputs },
      weight: await weightOf(node, 2, 3),
    },
  ];
};

/** As an Identity: a Slice with one part, which the clean-up takes out. */
const lowerNoOp: Lower = async () => [{ type: "Slice", parameters: { num_slice: 0, axis: 0 } }];

/** Operators that Bolt's reader knows by names that ONNX has not, in the domain of ONNX all the same. */
export const BOLT_NAMES: Readonly<Record<string, Lower>> = {
  Linear: lowerLinear,
  Scale: lowerScale,
  BatchNorm: lowerBatchNorm,
  Splice: lowerSplice,
  Tdnn: lowerTdnn,
  NoOp: lowerNoOp,
  TFL_HARD_SWISH: async () => [{ type: "HSwish" }],
  TFL_L2_NORMALIZATION: async () => [{ type: "L2Norm" }],
};
