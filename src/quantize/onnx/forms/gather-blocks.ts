import type { WeightPlan } from "../../plan.ts";
import { type FormEditor, MICROSOFT } from "./form-editor.ts";
import { storedBlocks } from "./stored-weight.ts";
import type { WeightPlace } from "./weight-places.ts";

/** Rows looked up in a table that is stored in blocks: GatherBlockQuantized of com.microsoft. */
export function gatherBlocks(editor: FormEditor, { node, graph, value: table }: WeightPlace, plan: WeightPlan): void {
  const { codes, scales, zeroPoints, rows, columns, block, bits } = storedBlocks(editor.shared, table, plan);
  const [data, ...parameters] = editor.constants(table, `table ${plan.type} ${block} ${plan.symmetric}`, () => ({
    codes: { ...codes, shape: [rows, (columns * bits) / 8] },
    scales,
    ...(zeroPoints === undefined ? {} : { zero_points: zeroPoints }),
  }));
  editor.replace(graph, node, {
    type: "GatherBlockQuantized",
    domain: MICROSOFT,
    inputs: [data, node.input(1), ...parameters],
    attributes: { bits, block_size: block, gather_axis: 0, quantize_axis: 1 },
  });
}
