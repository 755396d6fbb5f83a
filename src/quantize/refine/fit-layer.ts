import { type ActivationLimits, fitBias } from "./fit-bias.ts";
import { type CentredSamples, centred, covarianceOf, type LayerSamples, meanByCount } from "./layer-samples.ts";
import type { MatrixProducts } from "./matrix-products.ts";
import { refitWeights } from "./refit-weights.ts";
import { nearestCodes, type RoundingOptions, realOf, roundingErrors, roundWeights } from "./round-weights.ts";

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
  /** The one scale of all rows, where it is settled. */
  readonly scale?: number | undefined;
  /** Scales that are tried, as shares of those that reach the largest weights: 1, and less where cutting some may pay. */
  readonly shares: readonly number[];
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
  /** Squared error that rounding brings to the outputs. */
  readonly error: number;
}

/** There must be this many samples for each weight of a row to change the weights. */
const SAMPLES_PER_WEIGHT = 4;

/** Longer rows are not refitted: it takes the cube of their length, and gave nothing there (docs/accuracy.md). */
const MOST_REFITTED_INPUTS = 288;

/** Longer rows are rounded to the nearest codes: the covariances of their inputs would take the square of their length. */
const MOST_ROUNDED_INPUTS = 4608;

/**
 * Weights, scales and biases of a layer for the inputs that the quantized network gives it: weights refitted, rounded so that
 * errors cancel, biases fitted behind the activation (docs/accuracy.md).
 */
export async function fitLayer(part: LayerPart, samples: LayerSamples, products: MatrixProducts): Promise<FittedPart> {
  const about = centred(samples);
  const { codes, scales, error } =
    samples.inputs > MOST_ROUNDED_INPUTS
      ? roundedToNearest(part, samples.inputs)
      : await fitWeights(part, about, products);
  const bias = part.fitBias ? await fitBiases(part, about, codes, scales, products) : part.bias;
  return { codes, scales, error, bias };
}

type FittedWeight = Pick<FittedPart, "codes" | "scales" | "error">;

function roundedToNearest(part: LayerPart, inputs: number): FittedWeight {
  const scales = scalesOf(part.weight, inputs, part);
  return { codes: nearestCodes(part.weight, inputs, scales, part.qmax), scales, error: 0 };
}

async function fitWeights(part: LayerPart, about: CentredSamples, products: MatrixProducts): Promise<FittedWeight> {
  const { inputs, outputs, halves } = about;
  const covariances = [
    await covarianceOf(halves[0], inputs, products),
    await covarianceOf(halves[1], inputs, products),
  ] as const;
  const enough = inputs <= MOST_REFITTED_INPUTS && part.independentSamples >= SAMPLES_PER_WEIGHT * inputs;
  const weight =
    part.refit && enough && halves[1].count > 0
      ? await refitWeights(part.weight, about, covariances, products)
      : part.weight;
  const alone = outputs === 1;
  const rounding = {
    qmax: part.qmax,
    passes: alone ? 4 : 2,
    shrinkage: alone ? 0 : (0.5 * inputs) / (inputs + part.independentSamples / 4),
  };
  return roundAtBestScales(weight, meanByCount(covariances, halves), { ...part, inputs, rounding }, products);
}

interface ScaleSearch extends LayerPart {
  readonly inputs: number;
  readonly rounding: Omit<RoundingOptions, "scales">;
}

/** Rounded at each share of the scales: what errs least, for each row or, where all have one scale, for all. */
async function roundAtBestScales(
  weight: Float32Array,
  xx: Float32Array,
  { inputs, rounding, ...part }: ScaleSearch,
  products: MatrixProducts,
): Promise<FittedWeight> {
  if (part.shares.length === 1 && part.scale === undefined) {
    const scales = scalesOf(weight, inputs, part);
    return { codes: await roundWeights(weight, inputs, xx, { ...rounding, scales }, products), scales, error: 0 };
  }
  const codes = new Int8Array(weight.length);
  const scales: number[] = [];
  const least: number[] = [];
  for (const share of part.shares) {
    const tried = { ...rounding, scales: scalesOf(weight, inputs, part, share) };
    const found = await roundWeights(weight, inputs, xx, tried, products);
    const byRow = await roundingErrors(weight, inputs, xx, tried, found, products);
    const errors = part.perChannel ? byRow : [byRow.reduce((sum, error) => sum + error, 0)];
    const run = weight.length / errors.length;
    for (const [place, error] of errors.entries()) {
      if (error >= (least[place] ?? Number.POSITIVE_INFINITY)) continue;
      least[place] = error;
      scales[place] = tried.scales[place]!;
      codes.set(found.subarray(place * run, (place + 1) * run), place * run);
    }
  }
  return { codes, scales, error: least.reduce((sum, error) => sum + error, 0) };
}

function scalesOf(
  weight: Float32Array,
  inputs: number,
  { perChannel, qmax, leastScales, scale }: LayerPart,
  share = 1,
): number[] {
  if (scale !== undefined) return [scale];
  const magnitudes = Array.from({ length: weight.length / inputs }, (_, row) => {
    let largest = 0;
    for (let index = row * inputs; index < (row + 1) * inputs; index++)
      largest = Math.max(largest, Math.abs(weight[index]!));
    return largest;
  });
  const limits = perChannel ? magnitudes : [magnitudes.reduce((most, one) => Math.max(most, one), 0)];
  return limits.map((limit, row) => Math.max(Math.fround((share * limit) / qmax), leastScales[row]!));
}

/** A bias is one number: more samples than this say little more of it. */
const BIAS_SAMPLES = 3000;

async function fitBiases(
  { bias, limits }: LayerPart,
  { inputs, halves, xMeans, zMeans }: CentredSamples,
  codes: Int8Array,
  scales: readonly number[],
  products: MatrixProducts,
): Promise<Float32Array> {
  const rounded = realOf(codes, inputs, scales);
  const given = [
    await products.times(rounded, halves[0].x, inputs),
    await products.times(rounded, halves[1].x, inputs),
  ] as const;
  const all = halves[0].count + halves[1].count;
  const step = Math.max(1, Math.floor(all / BIAS_SAMPLES));
  const taken = Math.ceil(halves[0].count / step) + Math.ceil(halves[1].count / step);
  const [own, targets] = [new Float32Array(taken), new Float32Array(taken)];
  return bias.map((stated, output) => {
    let mean = 0;
    for (let index = 0; index < inputs; index++) mean += rounded[output * inputs + index]! * xMeans[index]!;
    let at = 0;
    const zMean = zMeans[output]!;
    for (let half = 0; half < halves.length; half++) {
      const [{ count, z }, products] = [halves[half]!, given[half]!];
      for (let sample = output * count, end = sample + count; sample < end; sample += step, at++) {
        own[at] = products[sample]! + mean;
        targets[at] = z[sample]! + zMean;
      }
    }
    return fitBias(own, targets, stated, limits);
  });
}
