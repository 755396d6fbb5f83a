import { type CollectOptions, collectObservations } from "../../../calibrate/collect.ts";
import { statisticsOf } from "../../../calibrate/observations.ts";
import type { Dataset } from "../../../data/dataset.ts";
import { BoltqError } from "../../../io/error.ts";
import type { OnnxModel } from "../../../onnx/model.ts";
import { isFloat } from "./half-operators.ts";

/** Half floats end at 65504; examples show half of what other inputs may bring. */
const MOST = 2 ** 15;

/** The largest magnitudes of the values of the main graph that come near the end of half floats in examples, by name. */
export async function largeValues(
  model: OnnxModel,
  dataset: Dataset,
  options: CollectOptions,
): Promise<Map<string, number>> {
  const outputs = model.main.graph.nodes.flatMap((node) => node.outputs).filter((value) => isFloat(value) === true);
  const needs = new Map(outputs.map(({ name }) => [name, new Set(["extremes"] as const)]));
  const large = new Map<string, number>();
  try {
    const { values } = statisticsOf(await collectObservations(model, needs, dataset, options));
    for (const [name, { minimum, maximum }] of values) {
      const most = Math.max(-minimum, maximum);
      if (most > MOST) large.set(name, most);
    }
  } catch (error) {
    // Masks may hold minus infinity: of such a network nothing is known but what its constants tell.
    if (!(error instanceof BoltqError) || error.code !== "invalid-data") throw error;
  }
  return large;
}
