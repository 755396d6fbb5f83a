import { describe, expect, it } from "vitest";
import { type OnnxModelInit, type OnnxOperator, onnxModel, typesOf } from "../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../test/models/run.ts";
import { normalTensor } from "../../../test/models/values.ts";
import { encodedTensor, float32Of, floatTensor, integerTensor } from "../../onnx/tensor-data.ts";
import { removeFakeQuantization } from "./remove-fake-quantization.ts";

const CONSTANTS = {
  w: normalTensor([4, 3]),
  codes: encodedTensor("int8", [4, 3], [1, -2, 3, 127, 5, -6, 7, -127, 9, 10, -11, 12]),
  one: floatTensor([], [0.05]),
  zero: encodedTensor("int8", [], [0]),
  scales: floatTensor([3], [0.01, 0.02, 0.03]),
  zeros: encodedTensor("int8", [3], [0, 0, 0]),
  rows: floatTensor([4], [0.01, 0.02, 0.03, 0.04]),
  rowZeros: encodedTensor("int8", [4], [0, 0, 0, 0]),
  blocks: floatTensor([2, 3], [0.01, 0.02, 0.03, 0.04, 0.05, 0.06]),
  middle: encodedTensor("uint8", [], [128]),
  none: encodedTensor("uint8", [], [0]),
  low: encodedTensor("int8", [], [-8]),
  high: encodedTensor("int8", [], [7]),
  shape: integerTensor([2], [2, 4]),
};

function model(operators: readonly OnnxOperator[], change: Partial<OnnxModelInit> = {}): OnnxModelInit {
  return {
    opset: 21,
    irVersion: 10,
    inputs: { x: [2, 4], column: [4, 1] },
    constants: CONSTANTS,
    operators,
    outputs: ["y"],
    ...change,
  };
}

/** No matrix product: ONNX Runtime would compute that with integers. */
const product: OnnxOperator = ["Mul", ["column", "d"], "y"];

/** Weights alone are quantized: the float model must give the same. */
const WEIGHTS: readonly (readonly [string, readonly OnnxOperator[]])[] = [
  ["stored codes", [["DequantizeLinear", ["codes", "one", "zero"], "d"], product]],
  ["a scale for each column", [["DequantizeLinear", ["codes", "scales", "zeros"], "d", { axis: 1 }], product]],
  ["a scale for each block", [["DequantizeLinear", ["codes", "blocks"], "d", { axis: 0, block_size: 2 }], product]],
  [
    "a quantizer over floats, cut by a Clip",
    [
      ["QuantizeLinear", ["w", "one", "zero"], "q"],
      ["Clip", ["q", "low", "high"], "c"],
      ["DequantizeLinear", ["c", "one", "zero"], "d"],
      product,
    ],
  ],
  [
    "a Transpose behind",
    [
      ["Transpose", ["w"], "t", { perm: [1, 0] }],
      ["QuantizeLinear", ["t", "scales", "zeros"], "q", { axis: 0 }],
      ["DequantizeLinear", ["q", "scales", "zeros"], "t2", { axis: 0 }],
      ["Transpose", ["t2"], "d", { perm: [1, 0] }],
      product,
    ],
  ],
];

describe("weights of training with quantization", () => {
  it.each(WEIGHTS)("become the numbers that they stand for: %s", async (_, operators) => {
    const taken = onnxModel(model(operators));
    const clips = await removeFakeQuantization(taken);
    expect(typesOf(taken.main)).toEqual(["Mul"]);
    expect(largestDifference(await outputsOf(taken), await outputsOf(onnxModel(model(operators))))).toBeLessThan(1e-6);
    const [weight] = clips;
    expect(weight!.value).toBe(weight!.operator.input(1));
    expect(weight!.range).toBeUndefined();
  });

  it("have 127 times the largest scale as clip value, so that the codes stay", async () => {
    const clips = await removeFakeQuantization(onnxModel(model(WEIGHTS[1]![1])));
    expect(clips.map(({ clip }) => clip)).toEqual([127 * Math.fround(0.03)]);
  });

  it("take their block's scale", async () => {
    const taken = onnxModel(model(WEIGHTS[2]![1]));
    const [clip] = await removeFakeQuantization(taken);
    const values = await float32Of(clip!.value.constant!);
    expect([values[0], values[5], values[6], values[11]]).toEqual(
      [1 * 0.01, -6 * 0.03, 7 * 0.04, 12 * 0.06].map((number) => expect.closeTo(number, 6)),
    );
  });
});

const round = (zero: string, between: readonly OnnxOperator[] = [], last = "q"): readonly OnnxOperator[] => [
  ["QuantizeLinear", ["x", "one", zero], "q"],
  ...between,
  ["DequantizeLinear", [last, "one", zero], "a"],
  ["MatMul", ["a", "w"], "y"],
];

describe("activations of training with quantization", () => {
  it("have the range of their codes", async () => {
    const taken = onnxModel(model(round("middle")));
    const [clip] = await removeFakeQuantization(taken);
    const scale = Math.fround(0.05);
    expect(clip).toMatchObject({ clip: scale * 127, range: [-128 * scale, 127 * scale] });
    expect(clip!.value).toBe(clip!.operator.input(0));
  });

  it("are cut where the codes ended", async () => {
    const taken = onnxModel(model(round("none")));
    await removeFakeQuantization(taken);
    expect(typesOf(taken.main)).toEqual(["Clip", "MatMul"]);
    const input = [-1, 0.5, 20, 1, 2, 3, 4, -5];
    const [float, trained] = [
      await outputsOf(taken, { x: input }),
      await outputsOf(onnxModel(model(round("none"))), { x: input }),
    ];
    expect(largestDifference(float, trained)).toBeLessThan(0.2);
  });

  it("are cut by one Clip where there is one before", async () => {
    const scale = Math.fround(0.05);
    for (const [least, most, limits] of [
      [0, 6, [0, 6]],
      [-1, 20, [0, 255 * scale]],
    ] as const) {
      const before = ["Clip", ["x", "least", "most"], "c"] as const;
      const [quantize, ...others] = round("none");
      const operators = [before, [quantize![0], ["c", "one", "none"], quantize![2]] as const, ...others];
      const constants = { ...CONSTANTS, least: floatTensor([], [least]), most: floatTensor([], [most]) };
      const taken = onnxModel(model(operators, { constants }));
      await removeFakeQuantization(taken);
      expect(typesOf(taken.main)).toEqual(["Clip", "MatMul"]);
      const { inputs } = taken.main.graph.nodes[0]!;
      const stated = await Promise.all(inputs.slice(1).map((limit) => float32Of(limit!.constant!)));
      expect(stated.map(([limit]) => limit)).toEqual(limits.map(Math.fround));
    }
  });

  it("keep their step where they have fewer than 8 bits", async () => {
    const taken = onnxModel(model(round("zero", [["Clip", ["q", "low", "high"], "c"]], "c")));
    const [clip] = await removeFakeQuantization(taken);
    expect(clip!.range).toEqual([-8 * Math.fround(0.05), 247 * Math.fround(0.05)]);
    expect(typesOf(taken.main)).toEqual(["Clip", "MatMul"]);
  });

  it("may be moved before they are read", async () => {
    const taken = onnxModel(model(round("middle", [["Reshape", ["q", "shape"], "r"]], "r")));
    const clips = await removeFakeQuantization(taken);
    expect(typesOf(taken.main)).toEqual(["Clip", "Reshape", "MatMul"]);
    expect(clips.map(({ operator, value }) => [operator.type, value.name])).toEqual([["MatMul", "r"]]);
  });

  it("are cut once where they are quantized twice", async () => {
    const twice = model([
      ["QuantizeLinear", ["x", "one", "middle"], "q"],
      ["DequantizeLinear", ["q", "one", "middle"], "d"],
      ["QuantizeLinear", ["d", "one", "middle"], "q2"],
      ["DequantizeLinear", ["q2", "one", "middle"], "y"],
    ]);
    const taken = onnxModel(twice);
    await removeFakeQuantization(taken);
    expect(typesOf(taken.main)).toEqual(["Clip"]);
    expect((await outputsOf(taken)).names).toEqual(["y"]);
  });
});

it("names a quantization that stays", async () => {
  const dynamic = model(
    [
      ["QuantizeLinear", ["x", "s", "middle"], "q"],
      ["DequantizeLinear", ["q", "s", "middle"], "y"],
    ],
    { inputs: { x: [2, 4], s: [] } },
  );
  await expect(removeFakeQuantization(onnxModel(dynamic))).rejects.toThrow(
    /operator "q" \(QuantizeLinear\): its quantization can't/,
  );
});

it("says that a model computes with integers", async () => {
  const integers = model([["MatMulInteger", ["codes", "codes"], "y"]]);
  await expect(removeFakeQuantization(onnxModel(integers))).rejects.toThrow(
    /\(MatMulInteger\): the model computes with integers/,
  );
});
