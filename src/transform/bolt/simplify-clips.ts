import type { BoltModel } from "../../bolt/model.ts";
import { changeType } from "./change-type.ts";
import { onlyReader, RETIRED, retire } from "./pass.ts";

/** Makes one Clip of two in a row, and a Relu6 of a Clip to 0..6 (ClipOptimizer). */
export async function simplifyClips(model: BoltModel): Promise<boolean> {
  let changed = false;
  for (const node of model.graph.nodes) {
    if (node.type !== "Clip" || model.graph.outputs.includes(node.output())) continue;
    const next = onlyReader(node);
    if (next?.type !== "Clip") continue;
    const [one, other] = [node.data.parameters, next.data.parameters];
    one.set("min", Math.max(one.number("min"), other.number("min")));
    one.set("max", Math.min(one.number("max"), other.number("max")));
    retire(model, next, true);
    changed = true;
  }
  for (const node of model.graph.nodes) {
    if (node.type === RETIRED || node.type !== "Clip") continue;
    if (node.data.parameters.number("min") !== 0 || node.data.parameters.number("max") !== 6) continue;
    changeType(model, node, "Relu6");
    changed = true;
  }
  return changed;
}
