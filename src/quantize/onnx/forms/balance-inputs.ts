import type { OnnxValue } from "../../../onnx/model.ts";
import { float32Of } from "../../../onnx/tensor-data.ts";
import { normalizationBehind } from "../../../transform/onnx/normalization.ts";
import { finiteValues } from "../finite-weights.ts";
import type { WeightPlace } from "./weight-places.ts";

/** How many deviations from its mean the numbers of a normalized channel reach. */
const REACH = 3;

/** How much of the spread between channels goes from the inputs to the weights (found on sentence encoders: 0.5 to 1 are alike). */
const SHARE = 0.75;

/** Smaller magnitudes of a channel's weights are taken for this share of the largest. */
const LEAST_SHARE = 1e-3;

/**
 * For products whose input comes from a normalization: what each channel of the input is to be divided by, and the weights'
 * rows multiplied with, so that the channels make even use of one range (SmoothQuant, arXiv 2211.10438). How far a channel reaches
 * follows from the normalization's own factor and offset, so no data is needed. `places` read the same input.
 */
export async function inputFactors(places: readonly WeightPlace[]): Promise<readonly number[] | undefined> {
  const reaches = await normalizedReaches(places[0]!.node.inputs[0]);
  return reaches === undefined ? undefined : factorsFor(places, reaches);
}

/** The same where it is known how far each channel reaches, up to a factor that all share. */
export async function factorsFor(
  places: readonly WeightPlace[],
  reaches: readonly number[],
): Promise<readonly number[] | undefined> {
  if (reaches.some((reach) => !(reach > 0))) return undefined;
  const weights = new Array<number>(reaches.length).fill(0);
  for (const place of places) {
    const magnitudes = await magnitudesOfInputs(place);
    if (magnitudes.length !== reaches.length) return undefined;
    magnitudes.forEach((magnitude, channel) => {
      weights[channel] = Math.max(weights[channel]!, magnitude);
    });
  }
  const least = LEAST_SHARE * weights.reduce((most, magnitude) => Math.max(most, magnitude), 0);
  if (least === 0) return undefined;
  const factors = reaches.map((reach, channel) => reach ** SHARE / Math.max(weights[channel]!, least) ** (1 - SHARE));
  const middle = Math.exp(factors.reduce((sum, factor) => sum + Math.log(factor), 0) / factors.length);
  return factors.map((factor) => Math.fround(factor / middle));
}

/** |offset| + 3 × |factor| of each channel behind a normalization. */
async function normalizedReaches(value: OnnxValue | undefined): Promise<number[] | undefined> {
  const found = normalizationBehind(value);
  if (found === undefined) return undefined;
  const factors = await float32Of(found.factor.constant!);
  const offsets = found.offset && (await float32Of(found.offset.constant!));
  if (offsets !== undefined && offsets.length !== factors.length) return undefined;
  return Array.from(factors, (each, channel) => Math.abs(offsets?.[channel] ?? 0) + REACH * Math.abs(each));
}

/** The largest magnitude of the weights of each input channel. */
async function magnitudesOfInputs({ value, axis }: WeightPlace): Promise<number[]> {
  const values = await finiteValues(value);
  const [rows, columns] = value.constant!.shape as [number, number];
  const magnitudes = new Array<number>(axis === 1 ? rows : columns).fill(0);
  for (let row = 0, index = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, index++) {
      const channel = axis === 1 ? row : column;
      magnitudes[channel] = Math.max(magnitudes[channel]!, Math.abs(values[index]!));
    }
  }
  return magnitudes;
}
