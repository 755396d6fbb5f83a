import { floatBytes } from "../../bolt/lazy-floats.ts";
import { elementCount } from "../../graph/tensor.ts";
import { NO_BYTES } from "../../io/bytes.ts";
import { floatAttribute } from "../../onnx/attributes.ts";
import type { OnnxNode } from "../../onnx/model.ts";
import { floatData } from "../../onnx/tensor-data.ts";
import { transposed } from "../../onnx/turned-matrix.ts";
import { constantInput, type Lower, type LoweredWeight, requireConstant } from "./lowering.ts";

async function pair(node: OnnxNode, weight: number, vector: number): Promise<LoweredWeight> {
  return {
    dataType: "F32",
    weight: await floatData(requireConstant(node, weight, "scale or mean")),
    vector: await floatData(requireConstant(node, vector, "shift or variance")),
  };
}

/** A BatchNorm with mean and variance, then a Scale with gamma and beta. */
const lowerBatchNormalization: Lower = async (node) => [
  {
    type: "BatchNorm",
    inputs: [node.input(0)],
    parameters: {
      axis: 1,
      eps: floatAttribute(node, "epsilon", 1e-5),
      gama: 1,
      momentum: floatAttribute(node, "momentum", 0.9),
    },
    weight: await pair(node, 3, 4),
  },
  { nameSuffix: "_scale", type: "Scale", parameters: { axis: 1 }, weight: await pair(node, 1, 2) },
];

const lowerInstanceNormalization: Lower = async (node) => [
  {
    type: "InstanceNorm",
    inputs: [node.input(0)],
    parameters: { eps: floatAttribute(node, "epsilon", 1e-5), axis: 1, axis_dim: -1 },
    weight: await pair(node, 1, 2),
  },
];

/** Along the last axis, with an epsilon of 1e-6 whatever is stated; the bias of the file may not lack. */
const lowerLayerNormalization: Lower = async (node) => {
  const gamma = requireConstant(node, 1, "scale");
  const beta = constantInput(node, 2);
  const size = elementCount(gamma.shape);
  return [
    {
      type: "LayerNorm",
      inputs: [node.input(0)],
      parameters: { axis: -1, eps: floatAttribute(node, "epsilon", 1e-5) },
      weight: {
        dataType: "F32",
        weight: await floatData(gamma),
        vector: beta === undefined ? floatBytes(new Float32Array(size)) : await floatData(beta),
      },
    },
  ];
};

const lowerPRelu: Lower = async (node) => {
  const slope = requireConstant(node, 1, "slope");
  const rows = slope.shape[0] ?? 1;
  const weight: LoweredWeight = {
    dataType: "F32",
    weight: transposed(slope, rows, elementCount(slope.shape) / rows),
    vector: NO_BYTES,
  };
  return [{ type: "PRelu", weight }];
};

const lowerLpNormalization: Lower = async () => [{ type: "L2Norm" }];

export const NORMALIZATIONS: Readonly<Record<string, Lower>> = {
  BatchNormalization: lowerBatchNormalization,
  InstanceNormalization: lowerInstanceNormalization,
  LayerNormalization: lowerLayerNormalization,
  PRelu: lowerPRelu,
  LpNormalization: lowerLpNormalization,
};
