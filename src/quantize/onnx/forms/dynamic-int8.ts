import type { ElementType } from "../../../graph/tensor.ts";
import { encodedTensor } from "../../../onnx/tensor-data.ts";
import type { WeightPlan } from "../../plan.ts";
import { balancedInput } from "./balanced-input.ts";
import type { FormEditor, NewOperator } from "./form-editor.ts";
import { replaceProduct } from "./replace-product.ts";
import { channelCodes } from "./stored-weight.ts";
import type { WeightPlace } from "./weight-places.ts";

const FLOAT32 = 1;

/**
 * A product of integers: what comes in is stored as uint8 in the range that it has in this run (DynamicQuantizeLinear, once for
 * all that read it), multiplied with int8 weights (MatMulInteger) and scaled back. ONNX Runtime fuses these operators.
 */
export function dynamicInt8(editor: FormEditor, place: WeightPlace, plan: WeightPlan): void {
  const { node, graph, value: weight } = place;
  const input = balancedInput(editor, place, plan);
  const [codes, scale, zero] = editor.once(graph, input, () => {
    const operator = { type: "DynamicQuantizeLinear", inputs: [input] };
    return editor.add(graph, node, `${input.name}/quantized`, operator, ["uint8", "float32", "uint8"]);
  });
  const [weightCodes, weightScale, weightZero] = editor.constants(
    weight,
    `columns ${plan.type} ${plan.largest} ${plan.inputFactors}`,
    () => {
      const stored = channelCodes(editor.shared, weight, plan, 1);
      return {
        codes: stored.codes,
        scale: stored.scales,
        ...(plan.type === "uint8" ? { zero_point: encodedTensor("uint8", [], [128]) } : {}),
      };
    },
  );
  const add = (suffix: string, operator: NewOperator, type: ElementType) =>
    editor.add(graph, node, `${node.name}/${suffix}`, operator, [type])[0]!;
  const scales = add("scale", { type: "Mul", inputs: [scale, weightScale] }, "float32");
  const zeros = weightZero === undefined ? [zero] : [zero, weightZero];
  const product = add("integers", { type: "MatMulInteger", inputs: [codes, weightCodes, ...zeros] }, "int32");
  const numbers = add("numbers", { type: "Cast", inputs: [product], attributes: { to: FLOAT32 } }, "float32");
  replaceProduct(editor, place, { type: "Mul", inputs: [numbers, scales] });
}
