import type { OnnxValue } from "../../onnx/model.ts";
import type { Placement } from "./placement.ts";

/** Values that are stored with one scale. */
export interface ScaleGroup {
  readonly values: readonly OnnxValue[];
  /** Whose range all of them take. */
  readonly leader: OnnxValue;
}

/**
 * Groups the values of a placement: through operators that only move numbers, and through Concat for parts that nothing
 * else reads, which would be rounded again to the scale of the whole. A value that an activation cuts leads its group.
 */
export function scaleGroups(placement: Placement): ScaleGroup[] {
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
    for (const part of parts) if (part.users.length === 1) leaders.set(find(part), root);
  }
  const groups = new Map<OnnxValue, OnnxValue[]>();
  for (const value of leaders.keys()) {
    const leader = find(value);
    groups.set(leader, [...(groups.get(leader) ?? []), value]);
  }
  return [...groups].map(([leader, values]) => ({ leader, values }));
}
