import type { Tensor } from "../../../graph/tensor.ts";
import type { OnnxValue } from "../../../onnx/model.ts";
import type { WeightPlan } from "../../plan.ts";
import { type FormEditor, MICROSOFT } from "./form-editor.ts";
import { madeTogether } from "./made-together.ts";
import { channelMatrix } from "./matrix-rows.ts";
import { nf4Codes } from "./nf4-codes.ts";
import { replaceProduct } from "./replace-product.ts";
import { scaleMethod } from "./stored-weight.ts";
import type { WeightPlace } from "./weight-places.ts";

/** The number by which MatMulBnb4 knows the steps of nf4. */
const NF4 = 1;

/** A product with weights in 16 steps spaced like normally spread numbers: MatMulBnb4 of com.microsoft. */
export function matmulNf4(editor: FormEditor, place: WeightPlace, plan: WeightPlan): void {
  const { node, value: weight } = place;
  const block = plan.block!;
  const constants = editor.constants(weight, `nf4 ${plan.axis} ${block}`, () => storedNf4(weight, plan, block));
  const { shape } = weight.constant!;
  replaceProduct(editor, place, {
    type: "MatMulBnb4",
    domain: MICROSOFT,
    inputs: [node.input(0), ...constants],
    attributes: { K: shape[1 - plan.axis]!, N: shape[plan.axis]!, block_size: block, quant_type: NF4 },
  });
}

/** Blocks run on from channel to channel. Made when it is written. */
function storedNf4(weight: OnnxValue, plan: WeightPlan, block: number): Record<string, Tensor> {
  const [rows, columns] = weight.constant!.shape as [number, number];
  const count = rows * columns;
  const sizes = { codes: Math.ceil(count / 2), absmax: Math.ceil(count / block) };
  const [codes, absmax] = madeTogether([sizes.codes, 4 * sizes.absmax], async () => {
    const made = await nf4Codes(channelMatrix(weight, plan.axis), block, scaleMethod(plan));
    return [made.codes, new Uint8Array(made.scales.buffer)];
  });
  return {
    codes: { type: "uint8", shape: [sizes.codes], data: codes! },
    absmax: { type: "float32", shape: [sizes.absmax], data: absmax! },
  };
}
