import { BoltqError } from "../../../io/error.ts";
import type { OnnxModel, OnnxNode } from "../../../onnx/model.ts";
import type { Plan, WeightForm, WeightPlan } from "../../plan.ts";
import { castWeight } from "./cast.ts";
import { dynamicInt8 } from "./dynamic-int8.ts";
import { FormEditor, MICROSOFT } from "./form-editor.ts";
import { gatherBlocks } from "./gather-blocks.ts";
import { gatherRows } from "./gather-rows.ts";
import { matmulBlocks } from "./matmul-blocks.ts";
import { matmulNf4 } from "./matmul-nf4.ts";
import { narrowToHalf } from "./narrow-to-half.ts";
import { SharedWork } from "./shared-work.ts";
import { type WeightPlace, weightPlaces } from "./weight-places.ts";

type ApplyForm = (editor: FormEditor, place: WeightPlace, plan: WeightPlan) => void;

const FORMS: Readonly<Record<WeightForm, ApplyForm>> = {
  "dynamic-int8": dynamicInt8,
  "matmul-blocks": matmulBlocks,
  "matmul-nf4": matmulNf4,
  "gather-blocks": gatherBlocks,
  "gather-rows": gatherRows,
  // Whole operators become half floats together, behind the other forms.
  float16: () => {},
  cast: castWeight,
};

/**
 * Puts the forms of a plan into the model that it was made for. Weights are converted when the model is written. Throws BoltqError
 * `mismatch` when the plan was made of another model.
 */
export function applyForms(model: OnnxModel, plan: Plan, shared: SharedWork = new SharedWork()): void {
  const editor = new FormEditor(model, shared);
  const places = new Map(weightPlaces(model).map((place) => [place.node.name, place]));
  for (const weight of plan.weights) {
    const place = places.get(weight.operator);
    if (place === undefined || place.value.name !== weight.name || place.axis !== weight.axis)
      throw foreignPlan(weight);
    if (weight.form !== undefined) FORMS[weight.form](editor, place, weight);
  }
  const halves = new Set(plan.operators.filter(({ precision }) => precision === "float16").map(({ name }) => name));
  if (halves.size > 0) narrowToHalf(editor, model, (node) => halves.has(node.name) || isNewProduct(node, halves));
  editor.dropUnused();
}

/** The product of a Gemm stands beside its Add, which bears the name. */
function isNewProduct({ name, data }: OnnxNode, halves: ReadonlySet<string>): boolean {
  return data.domain === MICROSOFT && halves.has(name.slice(0, Math.max(name.lastIndexOf("/product/"), 0)));
}

function foreignPlan({ name }: WeightPlan): BoltqError {
  return new BoltqError("mismatch", "the plan was made for another model", { subject: `weight "${name}"` });
}

/** Whether a plan speaks of forms, and not of ranges. */
export function hasForms({ weights }: Plan): boolean {
  return weights.some(({ form }) => form !== undefined);
}
