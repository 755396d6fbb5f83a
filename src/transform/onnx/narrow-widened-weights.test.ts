import { expect, it } from "vitest";
import { onnxModel, typesOf } from "../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../test/models/run.ts";
import { normalValues } from "../../../test/models/values.ts";
import { encodedTensor } from "../../onnx/tensor-data.ts";
import { narrowWidenedWeights } from "./narrow-widened-weights.ts";
import { widenHalfFloats } from "./widen-half-floats.ts";

const half = (shape: readonly number[], seed: number) =>
  encodedTensor("float16", shape, [
    ...normalValues(
      shape.reduce((product, size) => product * size, 1),
      seed,
    ),
  ]);

const model = () =>
  onnxModel({
    inputs: { x: { type: "float16", shape: [2, 32] } },
    constants: { w: half([32, 32], 1), v: half([32, 32], 2), b: half([32], 3) },
    operators: [
      ["MatMul", ["x", "w"], "m"],
      ["Add", ["m", "b"], "a"],
      ["MatMul", ["a", "v"], "n"],
      ["MatMul", ["n", "w"], "y"],
    ],
    outputs: ["y"],
  });

it("stores large weights that are still as they came as half floats, once each, and computes the same", async () => {
  const wide = model();
  widenHalfFloats(wide);
  const narrow = model();
  widenHalfFloats(narrow);
  const [, changed] = narrow.main.initializers;
  changed!.constant = { ...changed!.constant! };
  narrowWidenedWeights(narrow);
  expect(narrow.main.initializers.map(({ name, constant }) => [name, constant!.type])).toEqual([
    ["w", "float16"],
    ["v", "float32"],
    ["b", "float32"],
  ]);
  expect(typesOf(narrow.main).filter((type) => type === "Cast")).toHaveLength(
    typesOf(wide.main).filter((type) => type === "Cast").length + 1,
  );
  expect(largestDifference(await outputsOf(narrow), await outputsOf(wide))).toBe(0);
});
