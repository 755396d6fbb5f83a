import { describe, expect, it } from "vitest";
import { normalValues } from "../../../test/models/values.ts";
import { channelLayout, codeOf, forEachRun, weightScales } from "./weight-scales.ts";

const PER_CHANNEL = { granularity: "per-channel", method: "max", bits: 8 } as const;
const PER_TENSOR = { ...PER_CHANNEL, granularity: "per-tensor" } as const;
const { fround } = Math;

it.each([
  [[4, 3, 2], 0, { channels: 4, inner: 6 }],
  [[4, 3, 2], 1, { channels: 3, inner: 2 }],
  [[4, 3, 2], 2, { channels: 2, inner: 1 }],
])("the channels of a weight of shape %s along axis %i", (shape, axis, layout) => {
  expect(channelLayout(shape, axis)).toEqual(layout);
});

it("visits each channel's runs", () => {
  const visits: number[][] = [];
  forEachRun(7, { channels: 2, inner: 2 }, (...visit) => visits.push(visit));
  expect(visits).toEqual([
    [0, 0, 2],
    [1, 2, 4],
    [0, 4, 6],
    [1, 6, 7],
  ]);
});

it.each([
  [1.4, 1, 127, 1],
  [-1.6, 1, 127, -2],
  [0.5, 1, 127, 0],
  [1.5, 1, 127, 2],
  [-2.5, 1, 127, -2],
  [1000, 1, 127, 127],
  [-1000, 1, 63, -63],
  [3, 0.5, 127, 6],
])("the code of %f at scale %f, at most %i: %i", (value, scale, largest, code) => {
  expect(codeOf(value, scale, largest) + 0).toBe(code);
});

describe("scales by the largest magnitude", () => {
  const weight = Float32Array.of(1, -2, 0, 0, 0.5, 0.25);
  const layout = { channels: 3, inner: 2 };

  it("are one a channel, one of zeros taking the largest", () => {
    expect(weightScales(weight, layout, PER_CHANNEL, 127)).toEqual({
      scales: [fround(2 / 127), fround(2 / 127), fround(0.5 / 127)],
      dead: [1],
      most: 2,
    });
  });

  it("are one for all", () => {
    expect(weightScales(weight, layout, PER_TENSOR, 63)).toEqual({ scales: [fround(2 / 63)], dead: [1], most: 2 });
  });

  it("are those of 1 for zeros alone, and no smaller than normal numbers", () => {
    expect(weightScales(new Float32Array(6), layout, PER_CHANNEL, 127)).toEqual({
      scales: new Array(3).fill(fround(1 / 127)),
      dead: [0, 1, 2],
      most: 0,
    });
    expect(weightScales(Float32Array.of(1e-44, 0), { channels: 1, inner: 2 }, PER_CHANNEL, 127).scales).toEqual([
      2 ** -126,
    ]);
  });
});

/** Squared error of quantizing these numbers with this scale. */
function errorOf(values: Float32Array, scale: number, largest: number): number {
  return values.reduce((sum, value) => sum + (value - scale * codeOf(value, scale, largest)) ** 2, 0);
}

describe("scales by least squared error", () => {
  const outlier = Float32Array.of(...normalValues(999, 1), 9);
  const plain = normalValues(1000, 2);
  const weight = Float32Array.of(...outlier, ...plain);
  const layout = { channels: 2, inner: 1000 };

  it.each([
    ["per-channel", 127],
    ["per-channel", 7],
    ["per-tensor", 7],
  ] as const)("are the best of all smaller ones (%s, up to %i)", (granularity, largest) => {
    const rows = granularity === "per-channel" ? [outlier, plain] : [weight];
    const { scales: found } = weightScales(weight, layout, { granularity, method: "mse", bits: 8 }, largest);
    const { scales: whole } = weightScales(weight, layout, { granularity, method: "max", bits: 8 }, largest);
    expect(found).toHaveLength(rows.length);
    rows.forEach((row, channel) => {
      const shares = Array.from({ length: 101 }, (_, step) => 0.5 + step / 200);
      const least = Math.min(...shares.map((share) => errorOf(row, fround(whole[channel]! * share), largest)));
      expect(errorOf(row, found[channel]!, largest)).toBeLessThanOrEqual(1.05 * least);
      expect(found[channel]).toBeLessThanOrEqual(whole[channel]!);
    });
  });

  it("cut an outlier off that the largest magnitude keeps", () => {
    const { scales } = weightScales(outlier, { channels: 1, inner: 1000 }, { ...PER_CHANNEL, method: "mse" }, 7);
    const { scales: whole } = weightScales(outlier, { channels: 1, inner: 1000 }, PER_CHANNEL, 7);
    expect(scales[0]).toBeLessThan(0.8 * whole[0]!);
    expect(errorOf(outlier, scales[0]!, 7)).toBeLessThan(0.7 * errorOf(outlier, whole[0]!, 7));
  });
});

it("there may be as many channels as a vocabulary has words", () => {
  const count = 250_002;
  const weight = Float32Array.from({ length: count }, (_, index) => index + 1);
  const settings = { granularity: "per-channel", method: "max", bits: 8 } as const;
  const { scales } = weightScales(weight, channelLayout([1, count], 1), settings, 127);
  expect(scales.length).toBe(count);
  expect(scales.at(-1)).toBe(Math.fround(count / 127));
});

describe("weights that training left on a grid", () => {
  const codes = [3, -5, 7, 0, 2, -6, 101, 13, 1, 4, 9, 11, -8, 2, 3, 5];
  const steps = [0.013, 0.0021];
  const weight = Float32Array.from(codes, (code, index) => code * fround(steps[index % 2]!));
  const layout = { channels: 2, inner: 1 };

  it.each(["max", "mse"] as const)("keep its step, though the largest code is not used (%s)", (method) => {
    const { scales } = weightScales(weight, layout, { ...PER_CHANNEL, method }, 127);
    codes.forEach((code, index) => {
      const [scale, step] = [scales[index % 2]!, steps[index % 2]!];
      expect(codeOf(weight[index]!, scale, 127) * scale).toBeCloseTo(code * step, 6);
    });
    expect(scales[0]).toBeCloseTo(0.013, 8);
  });

  it("are no grid where one lies between two steps", () => {
    const moved = weight.map((value, index) => (index === 4 ? value + 0.3 * steps[0]! : value));
    const { scales } = weightScales(moved, layout, PER_CHANNEL, 10);
    expect(scales[0]).toBe(fround(Math.abs(moved[6]!) / 10));
  });
});
