import type { ElementType } from "../../../graph/tensor.ts";
import type { WeightPlan } from "../../plan.ts";
import type { FormEditor, NewOperator } from "./form-editor.ts";
import { channelCodes } from "./stored-weight.ts";
import type { WeightPlace } from "./weight-places.ts";

const FLOAT32 = 1;

/** Rows looked up in a table of int8 codes, each times the scale of its row: operators that every runtime has. */
export function gatherRows(editor: FormEditor, { node, graph, value: table }: WeightPlace, plan: WeightPlan): void {
  const [codes, scales] = editor.constants(table, `rows ${plan.type}`, () => {
    const stored = channelCodes(editor.shared, table, plan, 0);
    return { codes: stored.codes, scale: { ...stored.scales, shape: [...stored.scales.shape, 1] } };
  });
  const rows = node.input(1);
  const add = (suffix: string, operator: NewOperator, type: ElementType) =>
    editor.add(graph, node, `${node.name}/${suffix}`, operator, [type])[0]!;
  const found = add("codes", { type: "Gather", inputs: [codes, rows] }, "int8");
  const numbers = add("numbers", { type: "Cast", inputs: [found], attributes: { to: FLOAT32 } }, "float32");
  const scale = add("scale", { type: "Gather", inputs: [scales, rows] }, "float32");
  editor.replace(graph, node, { type: "Mul", inputs: [numbers, scale] });
}
