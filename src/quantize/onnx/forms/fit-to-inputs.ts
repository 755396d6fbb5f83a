import type { CollectOptions } from "../../../calibrate/collect.ts";
import type { Dataset } from "../../../data/dataset.ts";
import { permute } from "../../../graph/permute.ts";
import type { OnnxModel, OnnxValue } from "../../../onnx/model.ts";
import type { Plan, WeightPlan } from "../../plan.ts";
import { inputGrams } from "./input-grams.ts";
import { roundBlocks } from "./round-blocks.ts";
import { rowsOf } from "./stored-weight.ts";
import { type WeightPlace, weightPlaces } from "./weight-places.ts";

/** Products of more inputs are not fitted: the Gram of one takes 134 MB. */
const MOST_INPUTS = 4096;

/** Grams of so many numbers are collected; the products behind them are not fitted. */
const MOST_NUMBERS = 2 ** 26;

/**
 * Rounds the weights of a plan that stand in blocks so that their products err least on examples, as the float model gives what
 * they read. The codes are held in the plan. Weights of subgraphs and wide ones are left as they are.
 */
export async function fitToInputs(
  model: OnnxModel,
  plan: Plan,
  dataset: Dataset,
  options: CollectOptions & { readonly onFit?: ((done: number, all: number) => void) | undefined },
): Promise<Plan> {
  const places = fittable(model, plan);
  const grams = await inputGrams(model, inputsOf(places.values()), dataset, options);
  const weights: WeightPlan[] = [];
  let done = 0;
  for (const weight of plan.weights) {
    const place = places.get(weight);
    const gram = place && grams.get(place.node.input(0));
    weights.push(gram === undefined ? weight : await fitted(place!.value, weight, gram));
    if (gram !== undefined) options.onFit?.(++done, places.size);
    // Lets signals be heard and memory go.
    await new Promise((resolve) => setTimeout(resolve));
  }
  return { ...plan, weights };
}

/** The weights of products in the main graph, as far as their Grams fit. */
function fittable(model: OnnxModel, plan: Plan): Map<WeightPlan, WeightPlace> {
  const places = new Map(weightPlaces(model).map((place) => [place.node.name, place]));
  const taken = new Map<WeightPlan, WeightPlace>();
  const seen = new Set<OnnxValue>();
  let numbers = 0;
  for (const weight of plan.weights) {
    const place = places.get(weight.operator);
    if (place?.graph !== model.main || weight.form !== "matmul-blocks" || weight.symmetric === false) continue;
    const size = place.value.constant!.shape[1 - weight.axis]!;
    const more = seen.has(place.node.input(0)) ? 0 : size * size;
    if (size > MOST_INPUTS || numbers + more > MOST_NUMBERS) continue;
    numbers += more;
    seen.add(place.node.input(0));
    taken.set(weight, place);
  }
  return taken;
}

function inputsOf(places: Iterable<WeightPlace>): Map<OnnxValue, number> {
  return new Map([...places].map(({ node, value, axis }) => [node.input(0), value.constant!.shape[1 - axis]!]));
}

async function fitted(value: OnnxValue, weight: WeightPlan, gram: Float64Array): Promise<WeightPlan> {
  const shape = value.constant!.shape as [number, number];
  const [rows, columns] = weight.axis === 0 ? shape : [shape[1], shape[0]];
  const bits = weight.type === "int4" || weight.type === "uint4" ? 4 : 8;
  const made = roundBlocks(await rowsOf(value, weight.axis), gram, { rows, columns, block: weight.block!, bits });
  const codes = new Int8Array(made.codes.length);
  if (weight.axis === 0) codes.set(made.codes);
  else permute<number>(made.codes, [rows, columns], [1, 0], codes);
  return { ...weight, codes, scales: [...made.scales], method: "fitted" };
}
