/** The steps of nf4: quantiles of the normal distribution, scaled to ±1, with an exact zero (Dettmers and others, QLoRA, 2023). */
export const NF4_STEPS: readonly number[] = [
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
  -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
  0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
];

/** Between neighbouring steps. */
const MIDDLES = Float64Array.from(NF4_STEPS.slice(1), (step, place) => (step + NF4_STEPS[place]!) / 2);
const STEPS = Float64Array.from(NF4_STEPS);

/** Shares of the largest magnitude that candidates for a scale take. */
const SHARES = [1, 0.97, 0.94, 0.91, 0.88, 0.85, 0.82, 0.79];

/**
 * Numbers as places in `NF4_STEPS`, the first of two in the high bits, with one scale for each `block` of them. `max`: the
 * largest magnitude is kept; `mse`: the least squared error.
 */
export function nf4Codes(
  values: Float32Array,
  block: number,
  method: "max" | "mse",
): { readonly codes: Uint8Array; readonly scales: Float32Array } {
  const codes = new Uint8Array(Math.ceil(values.length / 2));
  const scales = new Float32Array(Math.ceil(values.length / block));
  for (let place = 0; place < scales.length; place++) {
    const [start, end] = [place * block, Math.min((place + 1) * block, values.length)];
    const scale = scaleOf(values.subarray(start, end), method);
    scales[place] = scale;
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let index = start; index < end; index++)
      codes[index >> 1]! |= nearestStep(values[index]! * inverse) << (index & 1 ? 0 : 4);
  }
  return { codes, scales };
}

function scaleOf(values: Float32Array, method: "max" | "mse"): number {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  if (method === "max" || largest === 0) return largest;
  let [best, least] = [largest, Number.POSITIVE_INFINITY];
  for (const share of SHARES) {
    const scale = Math.fround(largest * share);
    const inverse = 1 / scale;
    let error = 0;
    for (let index = 0; index < values.length; index++) {
      const rest = values[index]! - scale * STEPS[nearestStep(values[index]! * inverse)]!;
      error += rest * rest;
    }
    if (error < least) [best, least] = [scale, error];
  }
  return best;
}

/** The place of the nearest step, by halving. */
function nearestStep(value: number): number {
  let place = value > MIDDLES[7]! ? 8 : 0;
  if (value > MIDDLES[place + 3]!) place += 4;
  if (value > MIDDLES[place + 1]!) place += 2;
  return value > MIDDLES[place]! ? place + 1 : place;
}
