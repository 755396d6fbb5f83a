import { expect, it } from "vitest";
import { type OnnxModelInit, onnxModel } from "../../../test/models/onnx-model.ts";
import { normalTensor } from "../../../test/models/values.ts";
import { inferShapes } from "../../onnx/shape-inference.ts";
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

it.each([
  ["is little work", 40, ["e", "y"]],
  ["is much of the work", 8, ["d", "p2", "e", "y"]],
])("keeps a small expansion behind depthwise convolutions in float where it %s", async (_, channels, expected) => {
  const model = onnxModel({
    inputs: { x: [1, 3, 32, 32] },
    constants: {
      stem: normalTensor([4, 3, 3, 3]),
      first: normalTensor([4, 1, 1, 1]),
      expand: normalTensor([8, 4, 1, 1]),
      second: normalTensor([8, 1, 1, 1]),
      wide: normalTensor([8 * channels, 8, 1, 1]),
      narrow: normalTensor([8, 8 * channels, 1, 1]),
    },
    operators: [
      ["Conv", ["x", "stem"], "a"],
      ["Conv", ["a", "first"], "b", { group: 4 }],
      ["Conv", ["b", "expand"], "d"],
      ["Conv", ["d", "second"], "p2", { group: 8, strides: [2, 2] }],
      ["Conv", ["p2", "wide"], "e"],
      ["Conv", ["e", "narrow"], "y"],
    ],
    outputs: ["y"],
  });
  await inferShapes(model);
  const { quantized } = placeQuantization(model, {});
  expect([...quantized.keys()].map(({ name }) => name)).toEqual(expected);
});
