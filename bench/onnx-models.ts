import type { Tensor } from "../src/graph/tensor.ts";
import type { OnnxModel } from "../src/onnx/model.ts";
import { type OnnxOperator, onnxModel } from "../test/models/onnx-model.ts";
import { noise } from "./noise.ts";

/** A chain of `count` products with square matrices: Gemm has them turned, as Bolt stores them, MatMul not. */
export function productModel(type: "Gemm" | "MatMul", count: number, size: number): OnnxModel {
  const attributes = type === "Gemm" ? { transB: 1 } : {};
  return onnxModel({
    inputs: { x0: [1, size] },
    constants: Object.fromEntries(indices(count).map((index) => [`w${index}`, weight([size, size], index)])),
    operators: indices(count).map((index) => [type, [`x${index}`, `w${index}`], `x${index + 1}`, attributes]),
    outputs: [`x${count}`],
  });
}

/** Convolutions 1x1 of 8 channels and Sigmoids in turn, `count` operators in all. */
export function alternatingModel(count: number): OnnxModel {
  const convolutions = indices(count / 2);
  return onnxModel({
    inputs: { x0: [1, 8, 8, 8] },
    constants: Object.fromEntries(convolutions.map((index) => [`w${index}`, weight([8, 8, 1, 1], index)])),
    operators: convolutions.flatMap((index): OnnxOperator[] => [
      ["Conv", [`x${index}`, `w${index}`], `c${index}`, { kernel_shape: [1, 1] }],
      ["Sigmoid", [`c${index}`], `x${index + 1}`],
    ]),
    outputs: [`x${count / 2}`],
  });
}

function indices(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function weight(shape: readonly number[], seed: number): Tensor {
  return {
    type: "float32",
    shape,
    data: noise(
      shape.reduce((product, size) => product * size),
      seed + 1,
    ),
  };
}
