import { NO_BYTES } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import { floatAttribute, intAttribute } from "../../onnx/attributes.ts";
import type { OnnxNode } from "../../onnx/model.ts";
import { floatData } from "../../onnx/tensor-data.ts";
import { transposed } from "../../onnx/turned-matrix.ts";
import { allInputs, constantInput, type Lower, type LoweredWeight, type LoweringContext } from "./lowering.ts";

/** Whether a product has a constant matrix of its own on the right: then it is an FC, else a MatMul. */
export function isFullyConnected(node: OnnxNode, { referenceCount }: Pick<LoweringContext, "referenceCount">): boolean {
  const weight = constantInput(node, 1);
  if (weight === undefined || weight.shape.length !== 2) return false;
  return constantInput(node, 0) === undefined && referenceCount(node.input(1)) <= 1;
}

const lowerMatMul: Lower = async (node, context) => {
  if (!isFullyConnected(node, context))
    return [{ type: "MatMul", inputs: allInputs(node), parameters: { transpose_a: 0, transpose_b: 0 } }];
  const weight = constantInput(node, 1)!;
  const [rows, columns] = weight.shape as [number, number];
  return [
    {
      type: "FC",
      parameters: fullyConnected(columns),
      weight: { dataType: "F32", weight: transposed(weight, rows, columns), vector: NO_BYTES },
    },
  ];
};

/** Parameters of an FC of that many outputs. */
export function fullyConnected(outputs: number) {
  return { num_outputs: outputs, num_slices: 1, slice_point: [outputs] };
}

const lowerGemm: Lower = async (node, context) => {
  const transposeA = intAttribute(node, "transA", 0);
  const transposeB = intAttribute(node, "transB", 0);
  if (!isFullyConnected(node, context)) {
    return [
      {
        type: "MatMul",
        inputs: allInputs(node).slice(0, 2),
        parameters: { transpose_a: transposeA, transpose_b: transposeB },
      },
      ...addition(node, context.asBolt),
    ];
  }
  if (transposeA !== 0 || floatAttribute(node, "alpha", 1) !== 1 || floatAttribute(node, "beta", 1) !== 1) {
    throw new BoltqError("unsupported", "Bolt has no Gemm with transA, or with alpha or beta other than 1", {
      subject: `operator "${node.name}" (Gemm)`,
      remedy: "Multiply the factors into the weight and bias before exporting",
    });
  }
  const weight = constantInput(node, 1)!;
  const outputs = weight.shape[transposeB === 1 ? 0 : 1]!;
  return [
    {
      type: "FC",
      inputs: [node.input(0)],
      parameters: fullyConnected(outputs),
      weight: await gemmWeight(node, transposeB === 1),
    },
    ...addition(node, true),
  ];
};

async function gemmWeight(node: OnnxNode, isTransposed: boolean): Promise<LoweredWeight> {
  const weight = constantInput(node, 1)!;
  const bias = constantInput(node, 2);
  const [rows, columns] = weight.shape as [number, number];
  return {
    dataType: "F32",
    weight: isTransposed ? await floatData(weight) : transposed(weight, rows, columns),
    vector: bias === undefined ? NO_BYTES : await floatData(bias),
  };
}

/** A summand that is computed while the network runs, or that no bias holds, is added afterwards. */
function addition(node: OnnxNode, holdsBias: boolean) {
  const summand = node.inputs[2];
  if (summand === undefined || (holdsBias && summand.constant !== undefined)) return [];
  return [
    {
      nameSuffix: "_add",
      type: "Eltwise",
      inputs: [summand],
      parameters: { mode: "SUM", "sum_spec.coeff": [1, 1], "sum_spec.num_coeff": 2 },
    },
  ];
}

export const MATRIX: Readonly<Record<string, Lower>> = { MatMul: lowerMatMul, Gemm: lowerGemm };
