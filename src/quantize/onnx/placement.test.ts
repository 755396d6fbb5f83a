import { expect, it } from "vitest";
import { type OnnxModelInit, onnxModel } from "../../../test/models/onnx-model.ts";
import { normalTensor } from "../../../test/models/values.ts";
import { placeQuantization } from "./placement.ts";

const constants = { stem: normalTensor([8, 3, 3, 3]), w: normalTensor([8, 8, 1, 1]) };

/** Names of the operators that compute in int8. */
function quantized(operators: OnnxModelInit["operators"]): string[] {
  const model = onnxModel({ inputs: { x: [1, 3, 10, 10] }, constants, operators, outputs: ["y"] });
  return [...placeQuantization(model, {}).quantized.keys()].map(({ name }) => name);
}

it("adds in int8 what a float stem gives and a convolution reads as bytes", () => {
  const block = (from: string, to: string) =>
    [
      ["Conv", [from, "w"], `${to}c`],
      ["Add", [from, `${to}c`], `${to}s`],
      ["Relu", [`${to}s`], to],
    ] as const;
  const found = quantized([["Conv", ["x", "stem"], "c"], ["Relu", ["c"], "r"], ...block("r", "a"), ...block("a", "y")]);
  expect(found).toEqual(["ac", "as", "a", "yc"]);
});

it("adds in float what nothing else reads as bytes", () => {
  const found = quantized([
    ["Conv", ["x", "stem"], "c"],
    ["Conv", ["c", "w"], "d"],
    ["Relu", ["c"], "r"],
    ["Add", ["r", "d"], "s"],
    ["Conv", ["s", "w"], "y"],
  ]);
  expect(found).toEqual(["d", "y"]);
});
