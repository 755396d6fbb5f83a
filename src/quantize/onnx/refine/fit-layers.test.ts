import { describe, expect, it } from "vitest";
import { type OnnxModelInit, onnxModel, operatorOf } from "../../../../test/models/onnx-model.ts";
import { normalInput, normalTensor, normalValues } from "../../../../test/models/values.ts";
import type { Dataset, Sample } from "../../../data/dataset.ts";
import { float32Of, floatTensor } from "../../../onnx/tensor-data.ts";
import type { BiasPlan, Plan } from "../../plan.ts";
import type { WeightSettings } from "../../recipe.ts";
import { quantizeOnnx } from "../quantize-onnx.ts";
import { channelLayout } from "../weight-scales.ts";
import { type FitOptions, fitLayers } from "./fit-layers.ts";

/** Layers of every kind: plain, in groups, depthwise, products with a matrix and with a turned one, without a bias. */
const NETWORK: OnnxModelInit = {
  inputs: { x: [1, 3, 8, 8] },
  constants: {
    w1: normalTensor([12, 3, 3, 3], 1),
    b1: normalTensor([12], 2),
    // One far larger weight: the scale of least error cuts it.
    w2: floatTensor([12, 4, 3, 3], [9, ...normalValues(431, 3)]),
    w3: normalTensor([12, 1, 3, 3], 4),
    w4: normalTensor([12, 10], 5),
    b4: normalTensor([10], 6),
    w5: normalTensor([8, 10], 7),
    w6: normalTensor([8, 4], 8),
  },
  operators: [
    ["Conv", ["x", "w1", "b1"], "plain"],
    ["Relu", ["plain"], "r"],
    ["Conv", ["r", "w2"], "grouped", { group: 3, pads: [1, 1, 1, 1] }],
    ["Conv", ["grouped", "w3"], "depthwise", { group: 12 }],
    ["GlobalAveragePool", ["depthwise"], "p"],
    ["Flatten", ["p"], "f"],
    ["Gemm", ["f", "w4", "b4"], "matrix"],
    ["Gemm", ["matrix", "w5"], "turned", { transB: 1 }],
    ["MatMul", ["turned", "w6"], "product"],
  ],
  outputs: ["product"],
};

function examples(count: number, firstSeed: number): Sample[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `example ${index}`,
    inputs: new Map([["x", normalInput([1, 3, 8, 8], firstSeed + index)]]),
  }));
}

const SEEN = examples(6, 50);
const DATASET: Dataset = {
  length: SEEN.length,
  names: SEEN.map(({ name }) => name),
  async *samples() {
    yield* SEEN;
  },
};

/** A plan with weights of 7 bits. */
async function planned(weights: Partial<WeightSettings> = {}) {
  const recipe = { floatStem: false, biasCorrection: false, weights: { bits: 7, ...weights } } as const;
  return quantizeOnnx(onnxModel(NETWORK), { recipe, dataset: DATASET, effort: "fast", planOnly: true });
}

const plain = planned();

/** What fitting the layers makes of a plan; without settings of the one with a scale for each channel. */
async function fitted(weights?: Partial<WeightSettings>, options: FitOptions = {}) {
  const { model, plan } = await (weights === undefined ? plain : planned(weights));
  return { model, plan, better: await fitLayers(model, plan, SEEN, options) };
}

const biasOf = ({ biases }: Plan, name: string) => biases.find(({ operator }) => operator === name) as BiasPlan;
const realOf = ({ codes, scales }: BiasPlan) => codes.map((code, channel) => code * scales[channel % scales.length]!);

describe("fitted layers", () => {
  it.each<[string, Partial<WeightSettings> | undefined]>([
    ["a scale for each channel", undefined],
    ["one scale", { granularity: "per-tensor" }],
    ["one scale of least error", { granularity: "per-tensor", method: "mse" }],
  ])("have codes about their weights, with %s", async (_, settings) => {
    const { plan, better } = await fitted(settings, { refitWeights: false });
    expect(better.weights.map(({ operator }) => operator)).toEqual(plan.weights.map(({ operator }) => operator));
    expect(better.weights).toHaveLength(6);
    for (const { name, codes, scales, largest, axis, method } of better.weights) {
      expect(method).toBe("fitted");
      expect(largest).toBe(63);
      const { shape } = NETWORK.constants![name]!;
      const { channels, inner } = channelLayout(shape, axis);
      expect(scales).toHaveLength(settings?.granularity === "per-tensor" ? 1 : channels);
      const weight = await float32Of(NETWORK.constants![name]!);
      const gaps = Array.from(weight, (value, index) => {
        const scale = scales[scales.length === 1 ? 0 : Math.floor(index / inner) % channels]!;
        return Math.abs(codes![index]! - value / scale);
      });
      expect(Math.max(...gaps), name).toBeLessThan(4);
      expect(gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length, name).toBeLessThan(0.8);
    }
  });

  it("have biases in units of input scale times weight scale", async () => {
    const { plan, better, model } = await fitted();
    for (const name of ["plain", "grouped", "depthwise", "matrix", "turned"]) {
      const input = operatorOf(model, name).input(0).name;
      const { scale } = plan.values.find((value) => value.name === input)!;
      const weight = better.weights.find(({ operator }) => operator === name)!;
      expect(biasOf(better, name).scales).toEqual(weight.scales.map((one) => Math.fround(one * scale)));
    }
    expect(biasOf(better, "plain").name).toBe("b1");
    expect(biasOf(better, "grouped").name).toBeUndefined();
    expect(better.biases.map(({ operator }) => operator)).not.toContain("product");
    const stated = realOf(biasOf(plan, "plain"));
    const moved = realOf(biasOf(better, "plain")).map((value, channel) => Math.abs(value - stated[channel]!));
    expect(Math.max(...moved)).toBeGreaterThan(0);
    expect(Math.max(...moved)).toBeLessThan(0.2);
  });

  it("keep their biases where these may not change", async () => {
    const { plan, better } = await fitted(undefined, { fitBiases: false });
    expect(better.biases.map(({ operator }) => operator).sort()).toEqual(["matrix", "plain"]);
    for (const name of ["plain", "matrix"]) {
      const stated = realOf(biasOf(plan, name));
      realOf(biasOf(better, name)).forEach((value, channel) => {
        expect(Math.abs(value - stated[channel]!)).toBeLessThanOrEqual(biasOf(better, name).scales[channel]!);
      });
    }
  });

  it("are counted, and no more are fitted after a signal", async () => {
    const seen: number[][] = [];
    const stop = new AbortController();
    const onProgress = (layers: number, all: number) => {
      seen.push([layers, all]);
      if (layers === 2) stop.abort(new Error("enough"));
    };
    await expect(fitted(undefined, { onProgress, signal: stop.signal })).rejects.toThrow("enough");
    expect(seen).toEqual([
      [1, 6],
      [2, 6],
    ]);
  });
});
