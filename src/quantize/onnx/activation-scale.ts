import type { Range } from "../../calibrate/range.ts";
import type { ValuePlan } from "../plan.ts";

/** Least and largest code. */
const CODES = { uint8: { least: 0, most: 255 }, int8: { least: -128, most: 127 } } as const;

/** The least scale: smaller ones are no normal float32 numbers. */
const LEAST_SCALE = 2 ** -126;

/** Scale (a float32 number) and zero point of a range that holds zero; an empty range gets the scale 1. */
export function activationScale(
  { low, high }: Pick<Range, "low" | "high">,
  { type, symmetric }: { readonly type: ValuePlan["type"]; readonly symmetric: boolean },
): { readonly scale: number; readonly zeroPoint: number } {
  const { least, most } = CODES[type];
  const steps = symmetric ? most - least - 1 : most - least;
  const span = symmetric ? 2 * Math.max(-low, high) : high - low;
  const scale = span === 0 ? 1 : Math.max(Math.fround(span / steps), LEAST_SCALE);
  const middle = (least + most + 1) / 2;
  const zeroPoint = symmetric ? middle : Math.round(least - low / scale);
  return { scale, zeroPoint: Math.min(Math.max(zeroPoint, least), most) };
}

/** The numbers that the codes stand for at the ends. */
export function rangeOfCodes(type: ValuePlan["type"], scale: number, zeroPoint: number): Pick<Range, "low" | "high"> {
  const { least, most } = CODES[type];
  return { low: scale * (least - zeroPoint), high: scale * (most - zeroPoint) };
}
