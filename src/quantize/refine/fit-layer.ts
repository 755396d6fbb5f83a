import { type ActivationLimits, fitBias } from "./fit-bias.ts";
import {
  centred,
  halfOf,
  joinMoments,
  type LayerMoments,
  type LayerSamples,
  momentsOf,
  outputsOf,
} from "./layer-samples.ts";
import type { MatrixProducts } from "./matrix-products.ts";
import { refitWeights } from "./refit-weights.ts";
import { roundWeights } from "./round-weights.ts";

/** One group of a layer's rows, as it is before it is fitted. */
export interface LayerPart {
  /** `outputs` × `inputs`. */
  readonly weight: Float32Array;
  /** By output; zeros where there is none. */
  readonly bias: Float32Array;
  readonly limits: ActivationLimits;
  readonly qmax: number;
  /** One scale for each row; else `scale` for all. */
  readonly perChannel: boolean;
  /** Least scale of each row, or the one of all. */
  readonly leastScales: readonly number[];
  /** Whether the bias may change. */
  readonly fitBias: boolean;
  /** Whether the weights themselves may change, where there are samples enough. */
  readonly refit: boolean;
  /** Samples that say something new: images for a classifier, places for a convolution. */
  readonly independentSamples: number;
}

export interface FittedPart {
  readonly codes: Int8Array;
  readonly scales: readonly number[];
  readonly bias: Float32Array;
}

/** There must be this many samples for each weight of a row to change the weights. */
const SAMPLES_PER_WEIGHT = 4;

/** Longer rows are not refitted: it takes the cube of their length, and gave nothing there (docs/accuracy.md). */
const MOST_REFITTED_INPUTS = 288;

/**
 * Weights, scales and biases of a layer for the inputs that the quantized network gives it: weights refitted, rounded so that
 * errors cancel, biases fitted behind the activation (docs/accuracy.md).
 */
export async function fitLayer(part: LayerPart, samples: LayerSamples, products: MatrixProducts): Promise<FittedPart> {
  const { inputs } = samples;
  const { weight, moments } = await refitted(part, samples, products);
  const scales = scalesOf(weight, inputs, part);
  const alone = samples.outputs === 1;
  const codes = roundWeights(weight, inputs, moments.xx, {
    scales,
    qmax: part.qmax,
    passes: alone ? 4 : 2,
    shrinkage: alone ? 0 : (0.5 * inputs) / (inputs + part.independentSamples / 4),
  });
  return { codes, scales, bias: part.fitBias ? await fitBiases(part, samples, codes, scales, products) : part.bias };
}

async function refitted(
  part: LayerPart,
  samples: LayerSamples,
  products: MatrixProducts,
): Promise<{ readonly weight: Float32Array; readonly moments: LayerMoments }> {
  const about = centred(samples);
  const enough =
    samples.inputs <= MOST_REFITTED_INPUTS && part.independentSamples >= SAMPLES_PER_WEIGHT * samples.inputs;
  if (!part.refit || !enough) return { weight: part.weight, moments: await momentsOf(about, products) };
  const halves = [await momentsOf(halfOf(about, 0), products), await momentsOf(halfOf(about, 1), products)] as const;
  const moments = joinMoments(...halves);
  return { weight: refitWeights(part.weight, samples.inputs, halves, moments), moments };
}

function scalesOf(weight: Float32Array, inputs: number, { perChannel, qmax, leastScales }: LayerPart): number[] {
  const magnitudes = Array.from({ length: weight.length / inputs }, (_, row) => {
    let largest = 0;
    for (let index = row * inputs; index < (row + 1) * inputs; index++)
      largest = Math.max(largest, Math.abs(weight[index]!));
    return largest;
  });
  const limits = perChannel ? magnitudes : [Math.max(...magnitudes)];
  return limits.map((limit, row) => Math.max(Math.fround(limit / qmax), leastScales[row]!));
}

async function fitBiases(
  { bias, limits }: LayerPart,
  samples: LayerSamples,
  codes: Int8Array,
  scales: readonly number[],
  products: MatrixProducts,
): Promise<Float32Array> {
  const { count, inputs, outputs, z } = samples;
  const scaleOf = (output: number) => scales[scales.length === 1 ? 0 : output]!;
  const rounded = Float32Array.from(codes, (code, index) => code * scaleOf(Math.floor(index / inputs)));
  const given = await outputsOf(samples, rounded, products);
  const column = (values: Float32Array, output: number) =>
    Float32Array.from({ length: count }, (_, sample) => values[sample * outputs + output]!);
  return bias.map((stated, output) => fitBias(column(given, output), column(z, output), stated, limits));
}
