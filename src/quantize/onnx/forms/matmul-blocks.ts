import type { WeightPlan } from "../../plan.ts";
import { balancedInput } from "./balanced-input.ts";
import { type FormEditor, MICROSOFT } from "./form-editor.ts";
import { replaceProduct } from "./replace-product.ts";
import { storedBlocks } from "./stored-weight.ts";
import type { WeightPlace } from "./weight-places.ts";

/** Kernels may round what comes in to int8, block by block: several times as fast on processors, and as exact as the weights. */
const INT8_ACCURACY = 4;

/** A product with weights in blocks: MatMulNBits of com.microsoft. */
export function matmulBlocks(editor: FormEditor, place: WeightPlace, plan: WeightPlan): void {
  const { value: weight } = place;
  const { codes, scales, zeroPoints, rows, columns, block, bits } = storedBlocks(editor.shared, weight, plan);
  const constants = editor.constants(
    weight,
    `blocks ${plan.axis} ${plan.type} ${block} ${plan.symmetric} ${plan.inputFactors}`,
    () => ({
      codes,
      scales,
      ...(zeroPoints === undefined ? {} : { zero_points: zeroPoints }),
    }),
  );
  replaceProduct(editor, place, {
    type: "MatMulNBits",
    domain: MICROSOFT,
    inputs: [balancedInput(editor, place, plan), ...constants],
    attributes: { K: columns, N: rows, bits, block_size: block, accuracy_level: INT8_ACCURACY },
  });
}
