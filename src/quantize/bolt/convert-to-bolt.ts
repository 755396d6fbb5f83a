import type { BoltModel } from "../../bolt/model.ts";
import { MODEL_FORMATS } from "../../convert/model-file.ts";
import { formatOf, type ReadModelOptions } from "../../convert/model-format.ts";
import { type Converted, type ConvertOptions, lowerToBolt, rewriteLowered } from "../../convert/onnx-to-bolt/index.ts";
import type { Source } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import { precisionFor } from "./recipe.ts";
import { planWeights, storeWeights } from "./store-weights.ts";

/**
 * Converts a model file of any kind to Bolt as X2bolt does: float32, float16, or the input of the quantizer. Weights are
 * read and converted when the model is written. Throws `unsupported`, naming every operator that Bolt lacks.
 */
export async function convertToBolt(
  source: Source,
  options: ConvertOptions & ReadModelOptions = {},
): Promise<Converted> {
  const format = await formatOf(MODEL_FORMATS, source);
  if (options.asBolt === true && format.lowerAsBolt !== undefined) {
    const model = await format.lowerAsBolt(source, options);
    await rewriteLowered(model, options);
    await storeAs(model, options);
    return { model, notes: [] };
  }
  const model = await format.read(source, options);
  if (model.format === "onnx") return convertOnnxToBolt(model, options);
  throw new BoltqError("unsupported", "this is a Bolt model already", { file: source.name });
}

/** Converts an ONNX model that was read already; see `convertToBolt`. */
export async function convertOnnxToBolt(onnx: OnnxModel, options: ConvertOptions = {}): Promise<Converted> {
  const converted = await lowerToBolt(onnx, options);
  await storeAs(converted.model, options);
  return converted;
}

async function storeAs(model: BoltModel, { precision }: ConvertOptions): Promise<void> {
  const storage = precisionFor(model.version, precision === "FP16" ? "FP16" : "FP32", "NOQUANT");
  await storeWeights(model, storage, await planWeights(model, storage, () => false), {});
}
