import { expect, it } from "vitest";
import { onnxModel } from "../../../test/models/onnx-model.ts";
import { conversionProblems } from "./index.ts";

it("finds all operators that cannot be converted, of whatever kind, and none in a model that can", async () => {
  const model = onnxModel({
    inputs: { x: [1, 3, 4, 4] },
    operators: [
      ["Det", ["x"], "d"],
      ["Relu", ["x"], "r"],
      ["MaxPool", ["r"], ["y", "places"], { kernel_shape: [2, 2], storage_order: 1 }],
    ],
    outputs: ["d", "y", "places"],
  });
  const problems = await conversionProblems(model);
  expect(problems.map(({ details }) => details.subject).sort()).toEqual([
    'operator "d" (Det)',
    'operator "y" (MaxPool)',
  ]);
  expect(problems.every(({ details }) => details.remedy !== undefined)).toBe(true);
  const fine = onnxModel({ inputs: { x: [2, 3] }, operators: [["Relu", ["x"], "y"]], outputs: ["y"] });
  expect(await conversionProblems(fine)).toEqual([]);
});
