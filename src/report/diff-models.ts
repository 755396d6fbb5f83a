import type { Model } from "../convert/model-format.ts";
import type { Difference } from "./difference.ts";

/** What two models differ in: see `diffModels` in difference.ts, which is loaded when this is called. */
export async function diffModels(first: Model, second: Model): Promise<Difference[]> {
  const difference = await import("./difference.ts");
  return difference.diffModels(first, second);
}
