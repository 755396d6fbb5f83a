import type { OnnxModel } from "../../onnx/model.ts";
import { numbersOf } from "../../onnx/tensor-data.ts";
import { discard, splice } from "./splice.ts";

/** Puts the branch that is taken in the place of each If whose condition is a constant. Says whether there was one. */
export async function inlineBranches({ main }: OnnxModel): Promise<boolean> {
  let changed = false;
  for (const node of main.graph.nodes) {
    const condition = node.inputs[0]?.constant;
    if (node.type !== "If" || node.data.domain !== "" || condition === undefined) continue;
    const holds = (await numbersOf(condition))[0] !== 0;
    const [taken, other] = (holds ? ["then_branch", "else_branch"] : ["else_branch", "then_branch"]).map((name) =>
      node.data.attributes.get(name),
    );
    if (taken?.kind !== "graph" || taken.value.graph.outputs.length < node.outputs.length) continue;
    if (other?.kind === "graph") discard(other.value);
    splice(main, node, taken.value);
    changed = true;
  }
  return changed;
}
