import { expect, it } from "vitest";
import { type OnnxModelInit, type OnnxOperator, onnxModel, typesOf } from "../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../test/models/run.ts";
import { type ElementType, elementCount, type Tensor } from "../graph/tensor.ts";
import { foldConstants } from "./constant-folding.ts";
import { ELEMENT_TYPES } from "./schema.ts";
import { encodedTensor, integerTensor } from "./tensor-data.ts";

function counted(type: ElementType, shape: readonly number[]): Tensor {
  return encodedTensor(
    type,
    shape,
    Array.from({ length: elementCount(shape) }, (_, index) => (index % 251) - 125),
  );
}

/** A constant, and the operators that make of it the output "c". */
const MOVES: Readonly<Record<string, readonly [constant: Tensor, ...operators: OnnxOperator[]]>> = {
  "a matrix is turned": [counted("float32", [700, 500]), ["Transpose", ["w"], "c"]],
  "axes are exchanged": [counted("float32", [30, 50, 10, 40]), ["Transpose", ["w"], "c", { perm: [2, 0, 3, 1] }]],
  "64-bit integers are turned": [counted("int64", [700, 500]), ["Transpose", ["w"], "c", { perm: [1, 0] }]],
  "bytes are turned": [counted("int8", [700, 3, 500]), ["Transpose", ["w"], "c", { perm: [2, 1, 0] }]],
  "a shape is changed": [counted("float32", [700, 500]), ["Reshape", ["w", "shape"], "c"]],
  "half floats are widened and turned": [
    counted("float16", [700, 500]),
    ["Cast", ["w"], "wide", { to: ELEMENT_TYPES.indexOf("float32") }],
    ["Transpose", ["wide"], "c"],
  ],
};

it.each(Object.entries(MOVES))("a large constant is moved when it is read: %s", async (_, [w, ...operators]) => {
  const init: OnnxModelInit = {
    inputs: { x: { type: w.type === "float16" ? "float32" : w.type, shape: [1] } },
    constants: { w, shape: integerTensor([3], [250, -1, 7]) },
    operators: [...operators, ["Concat", ["c", "c"], "y", { axis: 0 }]],
    outputs: ["y"],
  };
  const model = onnxModel(init);
  await foldConstants(model);
  expect(typesOf(model.main)).toEqual(["Concat"]);
  expect(largestDifference(await outputsOf(model), await outputsOf(onnxModel(init)))).toBe(0);
});

it("a constant that whoever runs the model may replace stays as it is", async () => {
  const model = onnxModel({
    constants: { w: counted("float32", [2, 3]) },
    operators: [
      ["Transpose", ["w"], "c"],
      ["Neg", ["c"], "y"],
    ],
    outputs: ["y"],
  });
  model.main.graph.inputs = [...model.main.initializers];
  await foldConstants(model);
  expect(typesOf(model.main)).toEqual(["Transpose", "Neg"]);
});
