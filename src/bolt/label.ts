import type { BoltNodeData } from "./model.ts";

/**
 * How an operator takes and gives numbers, where its "feature_scale" is no scale: in float, in int8, int8 in and float
 * out, or float in and out around int8 weights.
 */
export type Label = "float" | "int8" | "int8-to-float" | "float-around";

const NUMBER_OF: Readonly<Record<Label, number>> = { float: 0, int8: -1, "int8-to-float": -2, "float-around": -3 };

const LABEL_OF: ReadonlyMap<number, Label> = new Map(
  (Object.keys(NUMBER_OF) as Label[]).map((label) => [NUMBER_OF[label], label]),
);

/** One slot of "feature_scale": a label, or the scale of an int8 tensor in Bolt's way, levels per unit. */
export type Slot = Label | number;

type Scaled = { readonly data: Pick<BoltNodeData, "scales"> };

/** The slot of input or output `index`, inputs first; undefined where there is none or it holds no such number. */
export function slotAt({ data: { scales } }: Scaled, index: number): Slot | undefined {
  const number = scales.at(index)?.[0];
  if (number === undefined) return undefined;
  return number > 0 && Number.isFinite(number) ? number : LABEL_OF.get(number);
}

/** The label, or the first input's slot. */
export function firstSlot(node: Scaled): Slot | undefined {
  return slotAt(node, 0);
}

/** The label, or the last output's slot. */
export function lastSlot(node: Scaled): Slot | undefined {
  return slotAt(node, -1);
}

/** Whether the operator has a label or slots. */
export function isLabelled({ data: { scales } }: Scaled): boolean {
  return scales.length > 0;
}

/** Whether it has more than a label: a slot for each input and output. */
export function hasSlots({ data: { scales } }: Scaled): boolean {
  return scales.length > 1;
}

/** What a file states for these slots: one for a label, else one for each input and output. */
export function scalesOf(slots: readonly Slot[]): Float32Array[] {
  return slots.map((slot) => Float32Array.of(typeof slot === "number" ? slot : NUMBER_OF[slot]));
}

/** Largest level of int8 and of int4 numbers. */
export const QMAX = { int8: 127, int4: 7 } as const;

/** Bolt's scale, levels per unit, of a tensor that is clipped to ±`clip`: a float32 number. */
export function scaleOfClip(clip: number, qmax: number = QMAX.int8): number {
  return Math.fround(qmax / clip);
}

/** What one level is worth in a tensor of this Bolt scale; `scaleOfStep` turns it back without loss. */
export function stepOfScale(scale: number): number {
  return 1 / scale;
}

/** Bolt's scale, a float32 number, of a tensor whose levels are worth `step` each. */
export function scaleOfStep(step: number): number {
  return Math.fround(1 / step);
}
