import type { MatrixProducts } from "./matrix-products.ts";

/**
 * What one group of a layer's weight rows was seen with: inputs as the quantized network gives them, and the outputs, before
 * the activation, that the float network gives at the same places.
 */
export interface LayerSamples {
  readonly count: number;
  /** Weights in a row. */
  readonly inputs: number;
  /** Rows of the weight. */
  readonly outputs: number;
  /** `count` × `inputs`. */
  readonly x: Float32Array;
  /** `count` × `outputs`. */
  readonly z: Float32Array;
}

/** Second moments of samples about their means. */
export interface LayerMoments {
  readonly count: number;
  /** `inputs` × `inputs`: mean of (x − its mean)(x − its mean)ᵀ. */
  readonly xx: Float64Array;
  /** `outputs` × `inputs`: mean of (z − its mean)(x − its mean)ᵀ. */
  readonly zx: Float64Array;
  /** By output: mean of (z − its mean)². */
  readonly zz: Float64Array;
}

/** The same samples about their means. */
export function centred({ count, inputs, outputs, x, z }: LayerSamples): LayerSamples {
  return { count, inputs, outputs, x: withoutMeans(x, count, inputs), z: withoutMeans(z, count, outputs) };
}

function withoutMeans(values: Float32Array, count: number, width: number): Float32Array {
  const means = new Float64Array(width);
  for (let start = 0; start < values.length; start += width) {
    for (let index = 0; index < width; index++) means[index]! += values[start + index]! / count;
  }
  const centredValues = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += width) {
    for (let index = 0; index < width; index++) centredValues[start + index] = values[start + index]! - means[index]!;
  }
  return centredValues;
}

/** Every other sample, from the first (`half` 0) or the second on. */
export function halfOf({ count, inputs, outputs, x, z }: LayerSamples, half: 0 | 1): LayerSamples {
  const taken = Math.ceil((count - half) / 2);
  const rows = (values: Float32Array, width: number) => {
    const part = new Float32Array(taken * width);
    for (let row = 0; row < taken; row++) {
      const from = (2 * row + half) * width;
      part.set(values.subarray(from, from + width), row * width);
    }
    return part;
  };
  return { count: taken, inputs, outputs, x: rows(x, inputs), z: rows(z, outputs) };
}

/** Products of fewer numbers than this are not worth a run of ONNX Runtime. */
const SMALL = 1 << 20;

/** Moments of centred samples. */
export async function momentsOf(samples: LayerSamples, products: MatrixProducts): Promise<LayerMoments> {
  const { count, inputs, outputs, x, z } = samples;
  const multiply = async (left: Float32Array, width: number) => {
    const found =
      count * inputs * width < SMALL
        ? transposedLeft(left, x, count, width, inputs)
        : await products.transposedLeft(left, x, count);
    return Float64Array.from(found, (sum) => sum / count);
  };
  const zz = new Float64Array(outputs);
  for (let start = 0; start < z.length; start += outputs) {
    for (let output = 0; output < outputs; output++) zz[output]! += z[start + output]! ** 2 / count;
  }
  return { count, xx: await multiply(x, inputs), zx: await multiply(z, outputs), zz };
}

function transposedLeft(
  left: Float32Array,
  right: Float32Array,
  rows: number,
  leftWidth: number,
  rightWidth: number,
): Float64Array {
  const sums = new Float64Array(leftWidth * rightWidth);
  for (let row = 0; row < rows; row++) {
    for (let index = 0; index < leftWidth; index++) {
      const factor = left[row * leftWidth + index]!;
      for (let other = 0; other < rightWidth; other++)
        sums[index * rightWidth + other]! += factor * right[row * rightWidth + other]!;
    }
  }
  return sums;
}

/** The outputs that a weight (`outputs` × `inputs`) gives for the samples' inputs, without a bias: `count` × `outputs`. */
export async function outputsOf(
  { count, inputs, outputs, x }: LayerSamples,
  weight: Float32Array,
  products: MatrixProducts,
): Promise<Float32Array> {
  if (count * inputs * outputs >= SMALL) return products.transposedRight(x, weight, inputs);
  const found = new Float32Array(count * outputs);
  for (let sample = 0; sample < count; sample++) {
    for (let output = 0; output < outputs; output++) {
      let sum = 0;
      for (let index = 0; index < inputs; index++)
        sum += weight[output * inputs + index]! * x[sample * inputs + index]!;
      found[sample * outputs + output] = sum;
    }
  }
  return found;
}

/** The moments of two parts of the samples about the same means, as one. */
export function joinMoments(one: LayerMoments, other: LayerMoments): LayerMoments {
  const count = one.count + other.count;
  const [share, rest] = [one.count / count, other.count / count];
  const mix = (left: Float64Array, right: Float64Array) =>
    left.map((value, index) => share * value + rest * right[index]!);
  return { count, xx: mix(one.xx, other.xx), zx: mix(one.zx, other.zx), zz: mix(one.zz, other.zz) };
}
