import { describe, expect, it } from "vitest";
import { normalValues } from "../../../../test/models/values.ts";
import { NF4_STEPS } from "./nf4-steps.ts";
import {
  type CodeFormat,
  quantizeRuns,
  quantizeRunsToNf4,
  type Rows,
  type ScaleMethod,
  type TakeCodes,
} from "./run-kernel.ts";

const RUN = 32;

/** Rows of two runs; so many that the kernel takes them in several parts. */
function rowsOf(numbers: Float32Array): Rows {
  const stride = 2 * RUN;
  const load: Rows["load"] = async (first, count) => (target) =>
    target.set(numbers.subarray(first * stride, (first + count) * stride));
  return { rows: numbers.length / stride, stride, run: RUN, load };
}

/** All that `quantize` takes in parts. */
async function gathered(quantize: (take: TakeCodes) => Promise<boolean>) {
  const [codes, scales]: [number[][], number[][]] = [[], []];
  const areFinite = await quantize((some, found) => {
    codes.push([...some]);
    scales.push([...found]);
  });
  return { codes: codes.flat(), scales: scales.flat(), areFinite };
}

function quantized(numbers: Float32Array, middle: number, method: ScaleMethod, format: CodeFormat) {
  return gathered((take) => quantizeRuns(rowsOf(numbers), { middle, method, format }, take));
}

/** Whole numbers around 0. */
const UNPACK: Readonly<Record<CodeFormat, (code: number) => number[]>> = {
  nibbles: (code) => [(code & 15) - 8, (code >> 4) - 8],
  int8: (code) => [(code << 24) >> 24],
  uint8: (code) => [code - 128],
};

const squaredError = (numbers: Float32Array, approximations: readonly number[]) =>
  numbers.reduce((sum, number, place) => sum + (number - approximations[place]!) ** 2, 0);

/** The least error of a run with any of many scales of either sign. */
function leastError(numbers: Float32Array, middle: number): number {
  const most = numbers.reduce((largest, number) => Math.max(largest, Math.abs(number)), 0);
  let least = Number.POSITIVE_INFINITY;
  for (let reach = 0.6 * middle; reach < 1.3 * middle; reach += middle / 200) {
    for (const scale of [most / reach, -most / reach]) {
      const rounded = Array.from(
        numbers,
        (number) => scale * Math.min(Math.max(Math.round(number / scale), -middle), middle - 1),
      );
      least = Math.min(least, squaredError(numbers, rounded));
    }
  }
  return least;
}

const NUMBERS = normalValues(4200 * 2 * RUN, 5);

describe.each<[CodeFormat, number]>([
  ["nibbles", 8],
  ["int8", 128],
  ["uint8", 128],
  ["int8", 64],
])("runs as %s around %i", (format, middle) => {
  it("have the nearest codes for their scales, and err hardly more than with the best of all scales", async () => {
    const { codes, scales } = await quantized(NUMBERS, middle, "mse", format);
    const whole = codes.flatMap(UNPACK[format]);
    const wrong = whole.filter((code, place) => {
      const exact = NUMBERS[place]! / scales[Math.floor(place / RUN)]!;
      const nearest = Math.min(Math.max(exact, -middle), middle - 1);
      return Math.abs(code - nearest) > 0.5001;
    });
    expect(wrong).toEqual([]);
    const approximations = whole.map((code, place) => code * scales[Math.floor(place / RUN)]!);
    let least = 0;
    for (let start = 0; start < 100 * RUN; start += RUN)
      least += leastError(NUMBERS.subarray(start, start + RUN), middle);
    const found = squaredError(NUMBERS.subarray(0, 100 * RUN), approximations);
    expect(found).toBeLessThan(1.15 * least);
    expect(found).toBeGreaterThan(0.9 * least);
  });
});

it("keeps the number farthest from zero where the scale is the largest magnitude's", async () => {
  const numbers = Float32Array.from({ length: 2 * RUN }, (_, place) => (place < RUN ? place - 20 : 12 - place));
  const { scales, codes } = await quantized(numbers, 8, "max", "nibbles");
  expect(scales).toEqual([20 / 8, 51 / 8]);
  expect(UNPACK.nibbles(codes[0]!)[0]).toBe(-8);
  expect(UNPACK.nibbles(codes.at(-1)!)[1]).toBe(-8);
});

it("has the scale 0 for runs of zeros and of numbers too small, NaN where one is not finite", async () => {
  const numbers = new Float32Array(4 * RUN);
  numbers[RUN + 3] = 1e-40;
  numbers[2 * RUN + 5] = Number.NEGATIVE_INFINITY;
  numbers[3 * RUN + 1] = Number.NaN;
  for (const method of ["mse", "max"] as const) {
    const { scales, codes, areFinite } = await quantized(numbers, 8, method, "nibbles");
    expect(areFinite).toBe(false);
    expect(scales.map(Math.abs)).toEqual([0, 0, Number.NaN, Number.NaN]);
    expect(codes.slice(0, RUN)).toEqual(new Array(RUN).fill(0x88));
  }
});

describe.each<[ScaleMethod, number]>([
  ["max", 0.0083],
  ["mse", 0.0075],
])("runs as steps of nf4 by %s", (method, most) => {
  it("have the nearest steps, the first in the high bits", async () => {
    const { codes, scales } = await gathered((take) => quantizeRunsToNf4(rowsOf(NUMBERS), method, take));
    const steps = codes.flatMap((code) => [NF4_STEPS[code >> 4]!, NF4_STEPS[code & 15]!]);
    const wrong = steps.filter((step, place) => {
      const exact = NUMBERS[place]! / scales[Math.floor(place / RUN)]!;
      return NF4_STEPS.some((other) => Math.abs(exact - other) < Math.abs(exact - step) - 1e-6);
    });
    expect(wrong).toEqual([]);
    const error = squaredError(
      NUMBERS,
      steps.map((step, place) => step * scales[Math.floor(place / RUN)]!),
    );
    expect(error / NUMBERS.length).toBeLessThan(most);
  });
});
