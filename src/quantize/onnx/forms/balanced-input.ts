import type { OnnxValue } from "../../../onnx/model.ts";
import { floatTensor } from "../../../onnx/tensor-data.ts";
import type { WeightPlan } from "../../plan.ts";
import type { FormEditor } from "./form-editor.ts";
import type { WeightPlace } from "./weight-places.ts";

/** What a product reads, each channel divided by its factor: the weights are multiplied with it. */
export function balancedInput(
  editor: FormEditor,
  { node, graph }: WeightPlace,
  { inputFactors }: WeightPlan,
): OnnxValue {
  const input = node.input(0);
  if (inputFactors === undefined) return input;
  const inverses = inputFactors.map((factor) => 1 / factor);
  const [factors] = editor.constants(input, `factors ${inputFactors}`, () => ({
    factors: floatTensor([inverses.length], inverses),
  }));
  return editor.once(graph, factors!, () =>
    editor.add(graph, node, `${input.name}/balanced`, { type: "Mul", inputs: [input, factors] }, ["float32"]),
  )[0]!;
}
