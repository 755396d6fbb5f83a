import { BoltqError } from "../../../io/error.ts";
import type { OnnxModel } from "../../../onnx/model.ts";
import type { Plan, WeightForm, WeightPlan } from "../../plan.ts";
import { castWeight } from "./cast.ts";
import { dynamicInt8 } from "./dynamic-int8.ts";
import { FormEditor } from "./form-editor.ts";
import { gatherBlocks } from "./gather-blocks.ts";
import { gatherRows } from "./gather-rows.ts";
import { matmulBlocks } from "./matmul-blocks.ts";
import { type WeightPlace, weightPlaces } from "./weight-places.ts";

type ApplyForm = (editor: FormEditor, place: WeightPlace, plan: WeightPlan) => void;

const FORMS: Readonly<Record<WeightForm, ApplyForm>> = {
  "dynamic-int8": dynamicInt8,
  "matmul-blocks": matmulBlocks,
  "gather-blocks": gatherBlocks,
  "gather-rows": gatherRows,
  cast: castWeight,
};

/**
 * Puts the forms of a plan into the model that it was made for. Weights are converted when the model is written. Throws BoltqError
 * `mismatch` when the plan was made of another model.
 */
export function applyForms(model: OnnxModel, plan: Plan): void {
  const editor = new FormEditor(model);
  const places = new Map(weightPlaces(model).map((place) => [place.node.name, place]));
  for (const weight of plan.weights) {
    const place = places.get(weight.operator);
    if (place === undefined || place.value.name !== weight.name || place.axis !== weight.axis)
      throw foreignPlan(weight);
    if (weight.form !== undefined) FORMS[weight.form](editor, place, weight);
  }
  editor.dropUnused();
}

function foreignPlan({ name }: WeightPlan): BoltqError {
  return new BoltqError("mismatch", "the plan was made for another model", { subject: `weight "${name}"` });
}

/** Whether a plan speaks of forms, and not of ranges. */
export function hasForms({ weights }: Plan): boolean {
  return weights.some(({ form }) => form !== undefined);
}
