import type { OnnxModel } from "../../onnx/model.ts";
import { inferShapes } from "../../onnx/shape-inference.ts";
import { foldBatchNorm } from "../../transform/onnx/fold-batch-norm.ts";
import { FreshNames } from "../../transform/onnx/fresh-names.ts";
import { constantsToInitializers, freeInitializers } from "../../transform/onnx/initializers.ts";
import { raiseOpset } from "../../transform/onnx/raise-opset.ts";

/**
 * Brings a model into the form that quantization works on: opset 13 or newer, constants as initializers, BatchNormalization
 * folded, every operator with a name of its own, shapes inferred. Returns what was changed, for the user to know. Throws
 * BoltqError `unsupported` when the opset cannot be raised.
 */
export async function prepareForQuantization(model: OnnxModel): Promise<string[]> {
  const from = raiseOpset(model);
  constantsToInitializers(model);
  freeInitializers(model);
  const folded = await foldBatchNorm(model);
  nameOperators(model);
  await inferShapes(model);
  return [
    ...(from === undefined ? [] : [`the opset was raised from ${from} to ${model.opsets.get("")}`]),
    ...(folded.length === 0 ? [] : [`${folded.length} BatchNormalization operators were folded into weights`]),
  ];
}

/** Plans speak of operators by name: those without one, or with another's, get a new one. */
function nameOperators(model: OnnxModel): void {
  const names = new FreshNames(model);
  const known = new Set<string>();
  for (const node of model.main.graph.nodes) {
    if (node.name === "" || known.has(node.name))
      node.name = names.next(node.name || `${node.type}_${node.output().name}`);
    known.add(node.name);
  }
}
