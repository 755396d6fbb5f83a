/** A model's name without its suffix and Bolt's words for what it is. */
export function stemOf(name: string): string {
  return name.replace(/\.[^.]*$/, "").replace(/_ptq_input$/, "");
}

/** What the quantizer's input of a model is called. */
export function ptqInputName(name: string): string {
  return `${stemOf(name)}_ptq_input.bolt`;
}

/** What an ONNX model is called when a recipe was carried out on it. */
export function quantizedOnnxName(name: string, recipe: string): string {
  return `${stemOf(name)}_${recipe}.onnx`;
}
