import { type Converted, type ConvertOptions, lowerToBolt } from "../../convert/onnx-to-bolt/index.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import { precisionFor } from "./recipe.ts";
import { planWeights, storeWeights } from "./store-weights.ts";

/**
 * Converts an ONNX model to Bolt as X2bolt does: float32, float16, or the input of the quantizer. Weights are read and
 * converted when the model is written. Throws `unsupported`, naming every operator that Bolt lacks.
 */
export async function convertOnnxToBolt(onnx: OnnxModel, options: ConvertOptions = {}): Promise<Converted> {
  const converted = await lowerToBolt(onnx, options);
  const { model } = converted;
  const half = options.precision === "FP16";
  const precision = precisionFor(model.version, half ? "FP16" : "FP32", "NOQUANT");
  await storeWeights(model, precision, await planWeights(model, precision, () => false), {});
  return converted;
}
