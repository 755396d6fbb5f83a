import { describe, expect, it } from "vitest";
import { type OnnxOperator, onnxModel } from "../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../test/models/run.ts";
import { normalTensor, normalValues } from "../../../test/models/values.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import { inferShapes } from "../../onnx/shape-inference.ts";
import { floatTensor } from "../../onnx/tensor-data.ts";
import { equalizeChannels } from "./equalize-channels.ts";

/** Conv, what is given, Conv; four channels between them, of which the first reaches far less than the others. */
function network(between: readonly OnnxOperator[], reader: OnnxOperator = ["Conv", ["b", "v"], "y"]): OnnxModel {
  return onnxModel({
    inputs: { x: [1, 3, 6, 6] },
    constants: {
      w: normalTensor([4, 3, 1, 1], 1),
      bias: floatTensor([4], [0.1, 0.2, 0.3, 0.4]),
      v: normalTensor([2, 4, 1, 1], 2),
      d: normalTensor([4, 1, 1, 1], 3),
      zero: floatTensor([], [0]),
      six: floatTensor([], [6]),
      c: floatTensor([4, 1, 1], [1, 2, 3, 4]),
    },
    operators: [["Conv", ["x", "w", "bias"], "a"], ...between, reader],
    outputs: ["y"],
  });
}

const SEEN = [0.5, 4, 8, 2];
const magnitudes = ({ name }: { readonly name: string }) => (name === "b" ? SEEN : undefined);

/** What does not reach the limits of activations. */
const FAINT = { x: [...normalValues(108, 9)].map((value) => value / 10) };

describe("channels are scaled", () => {
  it.each([
    ["Relu", [["Relu", ["a"], "b"]], [8 / 0.55, 8 / 4.4, 1, 8 / 2.2]],
    [
      "LeakyRelu",
      [["LeakyRelu", ["a"], "b", { alpha: { kind: "float", value: 0.1 } }]],
      [8 / 0.55, 8 / 4.4, 1, 8 / 2.2],
    ],
    ["a limit that is not reached", [["Clip", ["a", "zero", "six"], "b"]], [6 / 0.55, 6 / 4.4, 1, 6 / 2.2]],
    [
      "pooling",
      [
        ["Relu", ["a"], "r"],
        ["MaxPool", ["r"], "b", { kernel_shape: [2, 2] }],
      ],
      [8 / 0.55, 8 / 4.4, 1, 8 / 2.2],
    ],
  ] as const)("through %s, by the square root of what is left", async (_, between, ratios) => {
    const [model, same] = [network(between as never), network(between as never)];
    await inferShapes(model);
    expect(await equalizeChannels(model, magnitudes)).toBeDefined();
    const { inputs } = model.main.graph.nodes[0]!;
    const bias = new Float32Array((await inputs[2]!.constant!.data.read()).slice().buffer);
    [0.1, 0.2, 0.3, 0.4].forEach((value, channel) => {
      expect(bias[channel]! / value).toBeCloseTo(Math.sqrt(ratios[channel]!), 4);
    });
    expect(largestDifference(await outputsOf(same, FAINT), await outputsOf(model, FAINT))).toBeLessThan(1e-4);
  });

  it("fully where depthwise convolutions alone read them, and at most by the factor given", async () => {
    const reader = ["Conv", ["b", "d"], "y", { group: 4 }] as const;
    const model = network([["Relu", ["a"], "b"]], reader);
    await inferShapes(model);
    await equalizeChannels(model, magnitudes, { mostFactor: 10 });
    const bias = new Float32Array((await model.main.graph.nodes[0]!.inputs[2]!.constant!.data.read()).slice().buffer);
    expect(bias[0]! / 0.1).toBeCloseTo(10, 4);
    expect(bias[1]! / 0.2).toBeCloseTo(8 / 4.4, 4);
    expect(
      largestDifference(await outputsOf(network([["Relu", ["a"], "b"]], reader)), await outputsOf(model)),
    ).toBeLessThan(1e-4);
  });

  it("and put back by the function that is returned", async () => {
    const model = network([["Relu", ["a"], "b"]]);
    await inferShapes(model);
    const before = model.main.graph.nodes.map(({ inputs }) => inputs.map((input) => input?.constant));
    const equalized = await equalizeChannels(model, magnitudes);
    expect(model.main.graph.nodes.map(({ inputs }) => inputs.map((input) => input?.constant))).not.toEqual(before);
    equalized!.undo();
    expect(model.main.graph.nodes.map(({ inputs }) => inputs.map((input) => input?.constant))).toEqual(before);
  });
});

describe("channels stay", () => {
  it.each([
    ["behind what is not homogeneous", [["Sigmoid", ["a"], "b"]]],
    [
      "where others read them too",
      [
        ["Relu", ["a"], "b"],
        ["Tanh", ["b"], "t"],
      ],
    ],
    ["where a constant is added", [["Add", ["a", "c"], "b"]]],
  ] as const)("%s", async (_, between) => {
    const model = network(between as never);
    await inferShapes(model);
    expect(await equalizeChannels(model, magnitudes)).toBeUndefined();
  });

  it("where the weight is another's too", async () => {
    const model = network([
      ["Relu", ["a"], "b"],
      ["Conv", ["b", "v"], "other"],
    ]);
    await inferShapes(model);
    expect(await equalizeChannels(model, magnitudes)).toBeUndefined();
  });
});

it("leaves channels alone that were seen in few numbers", async () => {
  const model = network([["Relu", ["a"], "b"]]);
  await inferShapes(model);
  const numbersOf = ({ name }: { readonly name: string }) => (name === "b" ? 100 : undefined);
  expect(await equalizeChannels(model, magnitudes, { numbersOf })).toBeUndefined();
  expect(await equalizeChannels(model, magnitudes, { numbersOf: () => 10_000 })).toBeDefined();
});
