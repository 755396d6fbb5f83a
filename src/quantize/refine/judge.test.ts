import { describe, expect, it } from "vitest";
import { type OnnxOperator, onnxModel } from "../../../test/models/onnx-model.ts";
import { normalInput } from "../../../test/models/values.ts";
import type { Sample } from "../../data/dataset.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import { floatTensor } from "../../onnx/tensor-data.ts";
import { loadRuntime } from "../../runtime/load.ts";
import { beforeSoftmax, Judge } from "./judge.ts";

/** Adds `error` to four scores, and ends as is given. */
function scorer(ends: readonly OnnxOperator[], output: string, error = 0): OnnxModel {
  return onnxModel({
    inputs: { x: [1, 4] },
    constants: { e: floatTensor([4], [error, -error, error, -error]) },
    operators: [["Add", ["x", "e"], "scores"], ...ends],
    outputs: [output],
  });
}

const SOFTMAX: OnnxOperator = ["Softmax", ["scores"], "p"];

const examples: Sample[] = [1, 30].map((factor, index) => {
  const { data, ...tensor } = normalInput([1, 4], index + 1);
  const values = new Float32Array(data.slice().buffer).map((value) => value * factor);
  return { name: `${index}`, inputs: new Map([["x", { ...tensor, data: new Uint8Array(values.buffer) }]]) };
});

describe("what is judged", () => {
  it.each([
    ["a Softmax at the end", [SOFTMAX], "p", "scores"],
    [
      "one behind which numbers are only moved",
      [SOFTMAX, ["Identity", ["p"], "i"], ["Flatten", ["i"], "f"]],
      "f",
      "scores",
    ],
    ["another operator", [["Sigmoid", ["scores"], "s"]], "s", "s"],
    ["a Softmax that something changes", [SOFTMAX, ["Sqrt", ["p"], "s"]], "s", "s"],
  ] as const)("of %s", (_, ends, output, judged) => {
    expect(beforeSoftmax(scorer(ends, output).main.graph.outputs[0]!).name).toBe(judged);
  });
});

it("counts errors over all examples together", async () => {
  const judge = await Judge.of(scorer([SOFTMAX], "p"), examples, await loadRuntime());
  const power = examples
    .flatMap(({ inputs }) => [...new Float32Array(inputs.get("x")!.data.slice().buffer)])
    .reduce((sum, value) => sum + value * value, 0);
  const noise = 8 * 0.1 * 0.1;
  expect(await judge.decibels(scorer([SOFTMAX], "p", 0.1))).toBeCloseTo(10 * Math.log10(power / noise), 3);
  expect(await judge.decibels(scorer([SOFTMAX], "p"))).toBe(150);
});
