import type { OnnxModel } from "../../src/onnx/model.ts";
import { integerTensor } from "../../src/onnx/tensor-data.ts";
import { onnxModel } from "../../test/models/onnx-model.ts";
import { normalTensor, positiveTensor } from "../../test/models/values.ts";

/** Tiny networks with the operators that networks have. */
export const seedModels: Readonly<Record<string, () => OnnxModel>> = {
  convolutions: () =>
    onnxModel({
      inputs: { x: [1, 4, 6, 6] },
      constants: {
        w: normalTensor([5, 4, 3, 3]),
        b: normalTensor([5]),
        s: positiveTensor([5]),
        d: normalTensor([5, 1, 3, 3]),
        p: normalTensor([8, 5, 1, 1]),
        t: normalTensor([8, 4, 2, 2]),
      },
      operators: [
        ["Conv", ["x", "w", "b"], "c", { pads: [1, 1, 1, 1] }],
        ["BatchNormalization", ["c", "s", "b", "b", "s"], "n"],
        ["Relu", ["n"], "r"],
        ["Conv", ["r", "d"], "dw", { group: 5, pads: [1, 1, 1, 1] }],
        ["Conv", ["dw", "p"], "pw", { strides: [2, 2] }],
        ["ConvTranspose", ["pw", "t"], "up", { strides: [2, 2] }],
        ["MaxPool", ["up"], "pool", { kernel_shape: [2, 2], strides: [2, 2] }],
        ["GlobalAveragePool", ["pool"], "mean"],
        ["Flatten", ["mean"], "y"],
      ],
      outputs: ["y"],
    }),
  matrices: () =>
    onnxModel({
      inputs: { x: [2, 6] },
      constants: { w: normalTensor([6, 8]), b: normalTensor([8]), v: normalTensor([8, 4]), two: normalTensor([1]) },
      operators: [
        ["Gemm", ["x", "w", "b"], "g"],
        ["Sigmoid", ["g"], "s"],
        ["Mul", ["g", "s"], "swish"],
        ["MatMul", ["swish", "v"], "m"],
        ["Add", ["m", "two"], "a"],
        ["Softmax", ["a"], "y", { axis: 1 }],
      ],
      outputs: ["y"],
    }),
  shapes: () =>
    onnxModel({
      inputs: { x: [1, 4, 4, 4] },
      constants: {
        shape: integerTensor([2], [1, -1]),
        starts: integerTensor([1], [0]),
        ends: integerTensor([1], [2]),
        axes: integerTensor([1], [1]),
        indices: integerTensor([2], [0, 2]),
        sizes: integerTensor([4], [1, 4, 8, 8]),
      },
      operators: [
        ["Resize", ["x", "", "", "sizes"], "large", { mode: "nearest" }],
        ["Slice", ["large", "starts", "ends", "axes"], "sliced"],
        ["Concat", ["sliced", "sliced"], "joined", { axis: 1 }],
        ["Transpose", ["joined"], "turned", { perm: [0, 2, 3, 1] }],
        ["ReduceMean", ["turned"], "mean", { axes: [1], keepdims: 0 }],
        ["Gather", ["mean", "indices"], "picked", { axis: 2 }],
        ["Reshape", ["picked", "shape"], "y"],
      ],
      outputs: ["y"],
    }),
  recurrent: () =>
    onnxModel({
      inputs: { x: [3, 1, 4] },
      constants: { w: normalTensor([1, 12, 4]), r: normalTensor([1, 12, 3]), b: normalTensor([1, 24]) },
      operators: [
        ["LSTM", ["x", "w", "r", "b"], ["l", "", ""], { hidden_size: 3 }],
        ["Squeeze", ["l"], "y", { axes: [1] }],
      ],
      outputs: ["y"],
      opset: 11,
    }),
};
