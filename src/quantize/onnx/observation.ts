import type { Collected } from "../../calibrate/statistics.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import type { Recipe } from "../recipe.ts";
import { neededStatistics } from "./needed-statistics.ts";
import { type Placement, placeQuantization } from "./placement.ts";
import type { ClipValues } from "./table-clips.ts";

/** What is to be observed of an ONNX model, which has been brought into the form that is quantized. */
export interface OnnxObservation {
  readonly placement: Placement;
  readonly needs: ReadonlyMap<string, ReadonlySet<Collected>>;
  /** What was changed about the model. */
  readonly notes: readonly string[];
  /** The opset it came with. */
  readonly opset: number;
}

/** Prepares the model and decides what must be observed of it. Throws BoltqError `unsupported`. */
export async function planObservation(model: OnnxModel, recipe: Recipe): Promise<OnnxObservation> {
  const { prepareForQuantization } = await import("./prepare.ts");
  const { notes, opset } = await prepareForQuantization(model);
  return { ...observationNow(model, recipe), notes, opset };
}

/** The same of a prepared model, whose operators may have changed since. */
export function observationNow(model: OnnxModel, recipe: Recipe): Pick<OnnxObservation, "placement" | "needs"> {
  const placement = placeQuantization(model, recipe);
  return { placement, needs: neededStatistics(model, placement) };
}

/** The same where a table tells what was quantized in training: that is, and nothing else. */
export function observationAsTrained(
  model: OnnxModel,
  recipe: Recipe,
  clips: ClipValues,
  prepared: OnnxObservation,
): OnnxObservation {
  const placement = placeQuantization(model, recipe, { trained: (value) => clips.value(value) !== undefined });
  return { ...prepared, placement, needs: neededStatistics(model, placement) };
}
