import type { Model } from "../convert/model-format.ts";
import type { Difference } from "./difference.ts";
import type { ModelSummary, SummaryOptions } from "./summary.ts";

/** What two models differ in: see `diffModels` in difference.ts, which is loaded when this is called. */
export async function diffModels(first: Model, second: Model): Promise<Difference[]> {
  const difference = await import("./difference.ts");
  return difference.diffModels(first, second);
}

/** What a model holds: see `summarizeModel` in summary.ts, which is loaded when this is called. */
export async function summarizeModel(model: Model, options: SummaryOptions = {}): Promise<ModelSummary> {
  const summary = await import("./summary.ts");
  return summary.summarizeModel(model, options);
}
