import type { MatrixProducts } from "./matrix-products.ts";

/**
 * What one group of a layer's weight rows was seen with in one half of the examples. Matrices have one row for each input or
 * output of the layer and one column for each sample.
 */
export interface SampleHalf {
  readonly count: number;
  /** As the quantized network gives them: `inputs` × `count`. */
  readonly x: Float32Array;
  /** Before the activation, as the float network gives them at the same places: `outputs` × `count`. */
  readonly z: Float32Array;
}

/** Samples of a layer; the halves are of different examples, so that one can judge what was fitted to the other. */
export interface LayerSamples {
  /** Weights in a row. */
  readonly inputs: number;
  /** Rows of the weight. */
  readonly outputs: number;
  readonly halves: readonly [SampleHalf, SampleHalf];
}

/** Samples about their means over both halves. */
export interface CentredSamples extends LayerSamples {
  readonly xMeans: Float64Array;
  readonly zMeans: Float64Array;
}

/** The same samples about their means. */
export function centred(samples: LayerSamples): CentredSamples {
  const { inputs, outputs, halves } = samples;
  const xMeans = meansOf(halves, "x", inputs);
  const zMeans = meansOf(halves, "z", outputs);
  const about = ({ count, x, z }: SampleHalf): SampleHalf => ({
    count,
    x: without(x, xMeans, count),
    z: without(z, zMeans, count),
  });
  return { ...samples, halves: [about(halves[0]), about(halves[1])], xMeans, zMeans };
}

function meansOf(halves: readonly SampleHalf[], which: "x" | "z", rows: number): Float64Array {
  const all = halves.reduce((sum, { count }) => sum + count, 0);
  const means = new Float64Array(rows);
  for (const { count, [which]: values } of halves) {
    for (let row = 0; row < rows; row++) {
      let sum = 0;
      for (let at = row * count; at < (row + 1) * count; at++) sum += values[at]!;
      means[row]! += sum / all;
    }
  }
  return means;
}

function without(values: Float32Array, means: Float64Array, count: number): Float32Array {
  const about = new Float32Array(values.length);
  for (let row = 0, at = 0; row < means.length; row++) {
    const mean = means[row]!;
    for (const end = at + count; at < end; at++) about[at] = values[at]! - mean;
  }
  return about;
}

/** Covariance of the inputs in a half of centred samples: `inputs` × `inputs`; zeros where there are no samples. */
export async function covarianceOf(
  { count, x }: SampleHalf,
  inputs: number,
  products: MatrixProducts,
): Promise<Float32Array> {
  if (count === 0) return new Float32Array(inputs * inputs);
  const sums = await products.timesTransposed(x, x, count);
  for (let at = 0; at < sums.length; at++) sums[at]! /= count;
  return sums;
}

/** One matrix of two, each weighed by the samples that it was made of. */
export function meanByCount(
  [one, other]: readonly [Float32Array, Float32Array],
  [first, second]: readonly [SampleHalf, SampleHalf],
): Float32Array {
  const share = first.count / Math.max(first.count + second.count, 1);
  return one.map((value, at) => share * value + (1 - share) * other[at]!);
}
