import type { Signature } from "../onnx/model.ts";
import { ELEMENT_TYPES, shapeOfDescription } from "./bolt-to-onnx/tensor-types.ts";
import type { Model } from "./model-format.ts";

/** What a model takes, as it will be when it runs: names, element types and shapes, outermost dimension first. */
export function modelInputs(model: Model): Signature[] {
  if (model.format === "onnx") {
    return model.main.graph.inputs
      .filter(({ constant }) => constant === undefined)
      .map(({ name, type }) => ({ name, type }));
  }
  return model.graph.inputs.map(({ name }, index) => {
    const description = model.inputDescriptions[index]!;
    return { name, type: { type: ELEMENT_TYPES[description.dataType], shape: shapeOfDescription(description) } };
  });
}
