import type { Value } from "../graph/graph.ts";
import { numbersOf } from "../onnx/tensor-data.ts";
import { codeRange } from "../transform/onnx/quantizer-parameters.ts";

/** How a value is stored: real = scale × (code − zero point), for codes from `least` to `most`. */
export interface Quantizer {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly least: number;
  readonly most: number;
}

/** The ends of what a quantizer can say. */
export function rangeOf({ scale, zeroPoint, least, most }: Quantizer): readonly [low: number, high: number] {
  return [scale * (least - zeroPoint), scale * (most - zeroPoint)];
}

/** How the value that a DequantizeLinear gives was stored; undefined where nothing, or more than one scale, stands behind it. */
export async function quantizerOf(value: Value | undefined): Promise<Quantizer | undefined> {
  const node = value?.producer;
  if (node?.type !== "DequantizeLinear" || node.inputs[0]?.constant !== undefined) return undefined;
  const scale = node.inputs[1]?.constant;
  const zeroPoint = node.inputs[2]?.constant;
  const codes = codeRange(zeroPoint?.type ?? "uint8");
  if (scale === undefined || codes === undefined) return undefined;
  const scales = await numbersOf(scale);
  if (scales.length !== 1) return undefined;
  const zero = zeroPoint === undefined ? 0 : ((await numbersOf(zeroPoint))[0] ?? 0);
  return { scale: scales[0]!, zeroPoint: zero, ...codes };
}

/** What storing numbers in codes does to them: sums over the numbers. */
export class QuantizerNoise {
  numbers = 0;
  /** Sum of squares of the numbers. */
  power = 0;
  /** Sums of squared errors of the numbers outside the range, and of those inside. */
  clipping = 0;
  rounding = 0;
  /** How many numbers are outside. */
  outside = 0;
  minimum = Number.POSITIVE_INFINITY;
  maximum = Number.NEGATIVE_INFINITY;

  add(values: ArrayLike<number>, quantizer: Quantizer | undefined): void {
    const [low, high] = quantizer === undefined ? [-Infinity, Infinity] : rangeOf(quantizer);
    const scale = quantizer?.scale ?? 0;
    let [power, clipping, rounding, outside, minimum, maximum] = [0, 0, 0, 0, this.minimum, this.maximum];
    for (let index = 0; index < values.length; index++) {
      const value = values[index]!;
      if (!Number.isFinite(value)) continue;
      power += value * value;
      if (value < minimum) minimum = value;
      if (value > maximum) maximum = value;
      const cut = value < low ? low : value > high ? high : value;
      const error = scale > 0 ? cut - scale * Math.round(cut / scale) : 0;
      if (Math.abs(value - cut) > scale / 2) {
        clipping += (value - cut) ** 2;
        outside += 1;
      } else rounding += error * error;
    }
    this.numbers += values.length;
    this.power += power;
    this.clipping += clipping;
    this.rounding += rounding;
    this.outside += outside;
    [this.minimum, this.maximum] = [minimum, maximum];
  }
}
