import type { BoltModel } from "../../bolt/model.ts";
import { RETIRED, retire } from "./pass.ts";

/** Of several Relus that read the same value the first one serves all (MergeSameAndScaleOPOptimizer). */
export async function mergeRelus(model: BoltModel): Promise<boolean> {
  let changed = false;
  for (const node of model.graph.nodes) {
    if (node.type === RETIRED || node.outputs.length === 0) continue;
    const [first, ...others] = node.output().users.filter((user) => user.type === "Relu");
    for (const relu of others) {
      if (model.graph.outputs.includes(relu.output())) continue;
      model.graph.replaceUses(relu.output(), first!.output());
      retire(model, relu, false);
      changed = true;
    }
  }
  return changed;
}
