import type { FormEditor, NewOperator } from "./form-editor.ts";
import type { WeightPlace } from "./weight-places.ts";

/** Puts an operator in the place of a MatMul, or of a Gemm, whose bias is then added. */
export function replaceProduct(editor: FormEditor, { node, graph }: WeightPlace, product: NewOperator): void {
  const bias = node.type === "Gemm" ? node.inputs[2] : undefined;
  if (bias === undefined) {
    editor.replace(graph, node, product);
    return;
  }
  const [output] = editor.add(graph, node, `${node.name}/product`, product, ["float32"]);
  editor.replace(graph, node, { type: "Add", inputs: [output, bias] });
}
