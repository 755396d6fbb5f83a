import type { OnnxModel, OnnxValue } from "../../onnx/model.ts";

/** The values through which alone all that is computed behind them depends on a model's inputs. */
export function cutValues(model: OnnxModel): Set<OnnxValue> {
  const { graph } = model.main;
  /** How many operators have still to read a value. */
  const pending = new Map<OnnxValue, number>();
  const cuts = new Set<OnnxValue>();
  const expect = (value: OnnxValue) => {
    if (value.users.length > 0) pending.set(value, value.users.length);
  };
  for (const value of graph.inputs) expect(value);
  for (const node of graph.nodes) {
    for (const value of new Set(node.inputs)) {
      const left = value === undefined ? undefined : pending.get(value);
      if (left === undefined) continue;
      if (left === 1) pending.delete(value!);
      else pending.set(value!, left - 1);
    }
    for (const value of node.outputs) expect(value);
    for (const [value, left] of pending) if (pending.size === 1 && left === value.users.length) cuts.add(value);
  }
  return cuts;
}
