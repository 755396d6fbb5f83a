import type { BoltModel } from "../../bolt/model.ts";
import { MODEL_FORMATS } from "../../convert/model-file.ts";
import { formatOf, type ReadModelOptions } from "../../convert/model-format.ts";
import type { Converted, ConvertOptions } from "../../convert/onnx-to-bolt/index.ts";
import type { Source } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import type { PlanWarning } from "../plan.ts";
import { precisionFor } from "./recipe.ts";
import { planWeights, storeWeights } from "./store-weights.ts";
import { weightWarnings } from "./weight-diagnostics.ts";

/** A page that names this module loads the lowering when it converts. */
const loadLowering = () => import("../../convert/onnx-to-bolt/index.ts");

/** A model that was converted and stored. */
export interface ConvertedToBolt extends Converted {
  /** Weights that will not do what they did. */
  readonly warnings: readonly PlanWarning[];
}

export interface ConvertToBoltOptions extends ConvertOptions {
  /** Called with the converted model before its weights are stored as asked; what it throws ends the conversion. */
  readonly verify?: (converted: Converted) => Promise<void>;
}

/**
 * Converts a model file of any kind to Bolt as X2bolt does: float32, float16, or the input of the quantizer. Weights are
 * read and converted when the model is written. Throws `unsupported`, naming every operator that Bolt lacks.
 */
export async function convertToBolt(
  source: Source,
  options: ConvertToBoltOptions & ReadModelOptions = {},
): Promise<ConvertedToBolt> {
  const format = await formatOf(MODEL_FORMATS, source);
  if (options.asBolt === true && format.lowerAsBolt !== undefined) {
    const model = await format.lowerAsBolt(source, options);
    const { rewriteLowered } = await loadLowering();
    const inputs = await rewriteLowered(model, options);
    return { model, inputs, notes: [], warnings: await storeAs(model, options) };
  }
  const model = await format.read(source, options);
  if (model.format === "onnx") return convertOnnxToBolt(model, options);
  throw new BoltqError("unsupported", "this is a Bolt model already", { file: source.name });
}

/** Converts an ONNX model that was read already; see `convertToBolt`. */
export async function convertOnnxToBolt(onnx: OnnxModel, options: ConvertToBoltOptions = {}): Promise<ConvertedToBolt> {
  const { lowerToBolt } = await loadLowering();
  const converted = await lowerToBolt(onnx, options);
  await options.verify?.(converted);
  return { ...converted, warnings: await storeAs(converted.model, options) };
}

async function storeAs(model: BoltModel, { precision }: ConvertOptions): Promise<PlanWarning[]> {
  const storage = precisionFor(model.version, precision === "FP16" ? "FP16" : "FP32", "NOQUANT");
  const plans = await planWeights(model, storage, () => false);
  const warnings = await weightWarnings(model, plans, storage, () => false, "-i FP32");
  await storeWeights(model, storage, plans, {});
  return warnings;
}
