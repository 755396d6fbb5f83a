import { describe, expect, it } from "vitest";
import { type OnnxModelInit, onnxModel, operatorOf } from "../../../test/models/onnx-model.ts";
import { normalTensor, normalValues } from "../../../test/models/values.ts";
import { float32Of, floatTensor } from "../../onnx/tensor-data.ts";
import { weightOf } from "./operator-roles.ts";
import { planWeight, type WeightTask } from "./plan-weight.ts";
import { codeOf } from "./weight-scales.ts";

const SETTINGS = { granularity: "per-channel", method: "max", bits: 8 } as const;

type Options = Partial<Pick<WeightTask, "settings" | "clip">> & { inputScale?: number; inputMeans?: number[] };

/** The plan for the weight of `y`, over int8 activations. */
function planned(init: Omit<OnnxModelInit, "outputs">, { inputScale = 0.5, inputMeans, ...task }: Options = {}) {
  const node = operatorOf(onnxModel({ ...init, outputs: ["y"] }), "y");
  return planWeight({
    node,
    weight: weightOf(node)!,
    settings: SETTINGS,
    input: { type: "int8", scale: inputScale, zeroPoint: 0 },
    inputChannels: inputMeans && { means: inputMeans, magnitudes: inputMeans.map(Math.abs) },
    correctBias: true,
    clip: undefined,
    ...task,
  });
}

const conv = (group: number, inputs: number, outputs: number): Omit<OnnxModelInit, "outputs"> => ({
  inputs: { x: [1, inputs, 4, 4] },
  constants: { w: normalTensor([outputs, inputs / group, 3, 3]), b: normalTensor([outputs], 2) },
  operators: [["Conv", ["x", "w", "b"], "y", { group }]],
});
const gemm = (transB: number): Omit<OnnxModelInit, "outputs"> => ({
  inputs: { x: [1, 6] },
  constants: { w: normalTensor(transB === 1 ? [4, 6] : [6, 4]), b: normalTensor([4], 2) },
  operators: [["Gemm", ["x", "w", "b"], "y", { transB }]],
});
const matMul = (...shape: number[]): Omit<OnnxModelInit, "outputs"> => ({
  inputs: { x: [1, 6] },
  constants: { w: normalTensor(shape) },
  operators: [["MatMul", ["x", "w"], "y"]],
});

describe("a planned weight", () => {
  it.each([
    [8, 127],
    [7, 63],
  ] as const)("of %i bits has codes up to %i", async (bits, largest) => {
    const { weight } = await planned(conv(1, 3, 4), { settings: { ...SETTINGS, bits } });
    expect(weight).toMatchObject({
      operator: "y",
      name: "w",
      largest,
      axis: 0,
      granularity: "per-channel",
      method: "max",
    });
    const values = normalValues(4 * 27);
    const codes = Array.from(values, (value, index) => codeOf(value, weight.scales[Math.floor(index / 27)]!, 1000));
    for (let channel = 0; channel < 4; channel++) {
      expect(Math.max(...codes.slice(27 * channel, 27 * channel + 27).map(Math.abs))).toBe(largest);
    }
  });

  it.each([
    ["Gemm", gemm(1), 0, 4, ""],
    ["a turned Gemm", gemm(0), 1, 4, ""],
    ["MatMul", matMul(6, 4), 1, 4, ""],
    ["a batch of matrices", matMul(2, 6, 4), 2, 1, "a batch of matrices has one scale"],
  ])("of %s has its channels' scales", async (_, init, axis, scales, reason) => {
    const { weight } = await planned(init);
    expect(weight).toMatchObject({ axis, reason });
    expect(weight.scales).toHaveLength(scales);
  });

  it("keeps to a given clip value", async () => {
    const { weight } = await planned(conv(1, 3, 4), {
      clip: 0.25,
      settings: { ...SETTINGS, granularity: "per-tensor" },
    });
    expect(weight).toMatchObject({ scales: [Math.fround(0.25 / 127)], method: "table", reason: "" });
  });
});

describe("a planned bias", () => {
  it("is in units of input scale times weight scale", async () => {
    const { weight, bias, warnings } = await planned(conv(1, 3, 4));
    expect(bias!.scales).toEqual(weight.scales.map((scale) => Math.fround(scale * 0.5)));
    const stated = normalValues(4, 2);
    expect(bias!.codes).toEqual(Array.from(stated, (value, channel) => Math.round(value / bias!.scales[channel]!)));
    expect(bias!.name).toBe("b");
    expect(warnings).toEqual([]);
  });

  it("is none where there was none and nothing is corrected", async () => {
    const { bias } = await planned({ ...conv(1, 3, 4), operators: [["Conv", ["x", "w"], "y"]] });
    expect(bias).toBeUndefined();
  });

  it("that overflows widens the weight's scale, with a warning", async () => {
    const init = conv(1, 3, 4);
    const constants = {
      ...init.constants,
      w: floatTensor(
        [4, 3, 3, 3],
        normalValues(108).map((value) => value * 1e-9),
      ),
      b: floatTensor([4], [0, 100, 0, -100]),
    };
    const { weight, bias, warnings } = await planned({ ...init, constants });
    expect(warnings).toMatchObject([{ kind: "bias-overflow", subject: 'bias "b"' }]);
    expect(warnings[0]!.problem).toContain("2 channels (1, 3)");
    const { weight: narrow } = await planned({
      ...init,
      constants: { ...constants, b: floatTensor([4], [0, 0, 0, 0]) },
    });
    expect(weight.scales.map((scale, channel) => scale > narrow.scales[channel]!)).toEqual([false, true, false, true]);
    for (const code of bias!.codes) expect(Math.abs(code)).toBeLessThan(2 ** 31);
    expect(bias!.codes[1]! * bias!.scales[1]!).toBeCloseTo(100, 3);
    expect(bias!.codes[3]! * bias!.scales[3]!).toBeCloseTo(-100, 3);
  });

  it("of more than four channels names the first four", async () => {
    const b = floatTensor([8], new Array(8).fill(1e6));
    const { warnings } = await planned({
      ...conv(1, 3, 8),
      constants: { w: floatTensor([8, 3, 3, 3], new Array(216).fill(1e-6)), b },
    });
    expect(warnings[0]!.problem).toContain("8 channels (0, 1, 2, 3, …)");
  });

  it("warns of channels of zeros", async () => {
    const values = normalValues(108);
    values.fill(0, 27, 54);
    const { warnings } = await planned({
      ...conv(1, 3, 4),
      constants: { w: floatTensor([4, 3, 3, 3], values), b: normalTensor([4]) },
    });
    expect(warnings).toMatchObject([{ kind: "dead-channel", subject: 'weight "w"' }]);
    expect(warnings[0]!.problem).toContain("1 channels are all zero (1)");
  });
});

describe("a corrected bias", () => {
  /** The mean of each output over examples whose channels have these means, with the weight's own numbers and its codes'. */
  it.each([
    ["a convolution", conv(1, 4, 4), (row: number, index: number) => [row, Math.floor(index / 9)]],
    [
      "a grouped convolution",
      conv(2, 4, 4),
      (row: number, index: number) => [row, Math.floor(row / 2) * 2 + Math.floor(index / 9)],
    ],
    ["a Gemm", { ...gemm(1), inputs: { x: [1, 6] } }, (row: number, index: number) => [row, index]],
  ])("takes the mean error of rounding the weight out: %s", async (_, init, channelOf) => {
    const count = init.constants!["w"]!.shape.length === 4 ? 4 : 6;
    const inputMeans = Array.from({ length: count }, (_unused, channel) => 2 * channel - 3);
    const settings = { ...SETTINGS, bits: 7 } as const;
    const plain = await planned(init, { settings, inputScale: 1e-4 });
    const corrected = await planned(init, { settings, inputScale: 1e-4, inputMeans });
    const values = await float32Of(init.constants!["w"]!);
    const perRow = values.length / 4;
    for (let row = 0; row < 4; row++) {
      let error = 0;
      for (let index = 0; index < perRow; index++) {
        const value = values[row * perRow + index]!;
        const scale = plain.weight.scales[row]!;
        error += (value - scale * codeOf(value, scale, 63)) * inputMeans[channelOf(row, index)[1]!]!;
      }
      const change = (corrected.bias!.codes[row]! - plain.bias!.codes[row]!) * plain.bias!.scales[row]!;
      expect(Math.abs(error)).toBeGreaterThan(1e-3);
      expect(change).toBeCloseTo(error, 4);
    }
  });

  it("is given to a convolution that had none", async () => {
    const init = { ...conv(1, 4, 4), operators: [["Conv", ["x", "w"], "y"]] as const };
    const { bias } = await planned(init, { inputMeans: [1, 2, 3, 4] });
    expect(bias).toMatchObject({ name: undefined });
    expect(bias!.codes.some((code) => code !== 0)).toBe(true);
  });

  it("is left where the means do not fit, and for MatMul", async () => {
    const { bias } = await planned(conv(1, 4, 4), { inputMeans: [1, 2, 3] });
    expect(bias).toEqual((await planned(conv(1, 4, 4))).bias);
    expect((await planned(matMul(6, 4), { inputMeans: [1, 2, 3, 4, 5, 6] })).bias).toBeUndefined();
  });

  it("is the same in many blocks as in one", async () => {
    const [inputs, outputs] = [1500, 2900]; // more numbers than a block holds
    const values = normalValues(inputs * outputs);
    values.fill(0, 2800 * inputs, 2801 * inputs);
    const turned = new Float32Array(values.length);
    for (let row = 0; row < outputs; row++)
      for (let column = 0; column < inputs; column++) turned[column * outputs + row] = values[row * inputs + column]!;
    const largest = Array.from({ length: outputs }, (_, row) =>
      values.subarray(row * inputs, (row + 1) * inputs).reduce((most, value) => Math.max(most, Math.abs(value)), 0),
    );
    const most = Math.max(...largest);
    for (const [transB, shape, data] of [
      [1, [outputs, inputs], values],
      [0, [inputs, outputs], turned],
    ] as const) {
      const { weight, warnings } = await planned({
        inputs: { x: [1, inputs] },
        constants: { w: floatTensor(shape, data) },
        operators: [["Gemm", ["x", "w"], "y", { transB }]],
      });
      expect(weight.scales).toEqual(largest.map((magnitude) => Math.fround((magnitude || most) / 127)));
      expect(warnings.map(({ kind, problem }) => [kind, problem])).toEqual([
        ["dead-channel", "1 channels are all zero (2800); they got the scale of the largest one"],
      ]);
    }
  });
});
