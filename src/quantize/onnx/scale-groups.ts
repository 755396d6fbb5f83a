import type { OnnxValue } from "../../onnx/model.ts";
import type { Placement } from "./placement.ts";

/** A part of a Concat keeps a scale of its own when its range is smaller than this share of the whole. */
const ALIKE = 0.5;

/** Values that are stored with one scale. */
export interface ScaleGroup {
  readonly values: readonly OnnxValue[];
  /** Whose range all of them take. */
  readonly leader: OnnxValue;
}

/**
 * Groups the values of a placement: through operators that only move numbers, and through Concat where the parts' ranges
 * are alike (`spanOf`: width of a value's range). A value that an activation cuts leads its group.
 */
export function scaleGroups(placement: Placement, spanOf: (value: OnnxValue) => number): ScaleGroup[] {
  const leaders = new Map<OnnxValue, OnnxValue>([...placement.values.keys()].map((value) => [value, value]));
  const find = (value: OnnxValue): OnnxValue => {
    let root = value;
    while (leaders.get(root)! !== root) root = leaders.get(root)!;
    leaders.set(value, root);
    return root;
  };
  for (const { from, to, cut } of placement.shared) {
    if (cut) leaders.set(find(from), find(to));
    else leaders.set(find(to), find(from));
  }
  for (const { parts, whole } of placement.joined) {
    const root = find(whole);
    for (const part of parts) if (spanOf(find(part)) >= ALIKE * spanOf(root)) leaders.set(find(part), root);
  }
  const groups = new Map<OnnxValue, OnnxValue[]>();
  for (const value of leaders.keys()) {
    const leader = find(value);
    groups.set(leader, [...(groups.get(leader) ?? []), value]);
  }
  return [...groups].map(([leader, values]) => ({ leader, values }));
}
