import type { CollectOptions } from "../../../calibrate/collect.ts";
import type { Dataset } from "../../../data/dataset.ts";
import type { OnnxModel, OnnxValue } from "../../../onnx/model.ts";
import type { Plan, WeightPlan } from "../../plan.ts";
import { factorsFor } from "./balance-inputs.ts";
import { type Gram, inputGrams } from "./input-grams.ts";
import { channelMatrix, channelNumbers, turnInto } from "./matrix-rows.ts";
import { roundBlocks } from "./round-blocks.ts";
import { type WeightPlace, weightPlaces } from "./weight-places.ts";

/** Products of more inputs are not fitted: the Gram of one takes 134 MB. */
const MOST_INPUTS = 4096;

/** Grams of so many numbers are collected; the products behind them are not fitted. */
const MOST_NUMBERS = 2 ** 26;

/**
 * Rounds the weights of a plan that stand in blocks so that their products err least on examples, as the float model gives what
 * they read; the codes are held in the plan. Products in the range of each run get inputs whose channels reach as far as each other. Weights of subgraphs and wide ones are left as they are.
 */
export async function fitToInputs(
  model: OnnxModel,
  plan: Plan,
  dataset: Dataset,
  options: CollectOptions & { readonly onFit?: ((done: number, all: number) => void) | undefined },
): Promise<Plan> {
  const places = fittable(model, plan);
  const grams = await inputGrams(model, inputsOf(places.values()), dataset, options);
  const factors = await factorsOf(
    [...places].flatMap(([{ form }, place]) => (form === "dynamic-int8" ? place : [])),
    grams,
  );
  const weights: WeightPlan[] = [];
  let done = 0;
  for (const weight of plan.weights) {
    const place = places.get(weight);
    const gram = place && grams.get(place.node.input(0));
    if (gram === undefined) weights.push(weight);
    else if (weight.form === "matmul-blocks") weights.push(await fitted(place!.value, weight, gram));
    else weights.push({ ...weight, ...factors.get(place!.node.input(0)) });
    if (gram !== undefined) options.onFit?.(++done, places.size);
    // Lets signals be heard and memory go.
    await new Promise((resolve) => setTimeout(resolve));
  }
  return { ...plan, weights };
}

function isFittable({ form, symmetric }: WeightPlan): boolean {
  return form === "dynamic-int8" || (form === "matmul-blocks" && symmetric !== false);
}

/** The weights of products in the main graph, as far as their Grams fit. */
function fittable(model: OnnxModel, plan: Plan): Map<WeightPlan, WeightPlace> {
  const places = new Map(weightPlaces(model).map((place) => [place.node.name, place]));
  const taken = new Map<WeightPlan, WeightPlace>();
  const seen = new Set<OnnxValue>();
  let numbers = 0;
  for (const weight of plan.weights) {
    const place = places.get(weight.operator);
    if (place?.graph !== model.main || !isFittable(weight)) continue;
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
  const numbers = await channelNumbers(channelMatrix(value, weight.axis));
  const made = roundBlocks(numbers, gram, { rows, columns, block: weight.block!, bits });
  const codes = new Int8Array(made.codes.length);
  if (weight.axis === 0) codes.set(made.codes);
  else turnInto(codes, rows, made.codes, columns, [rows, columns]);
  return { ...weight, codes, scales: [...made.scales], method: "fitted" };
}

/** Channels that hardly ever are anything but zero are taken for this share of the widest. */
const LEAST_REACH = 1e-3;

/** What the channels of each input are divided by, from the root of their mean squares. */
async function factorsOf(
  places: readonly WeightPlace[],
  grams: ReadonlyMap<OnnxValue, Gram>,
): Promise<Map<OnnxValue, Pick<WeightPlan, "inputFactors">>> {
  const factors = new Map<OnnxValue, Pick<WeightPlan, "inputFactors">>();
  for (const input of new Set(places.map(({ node }) => node.input(0)))) {
    const gram = grams.get(input)!;
    const size = Math.sqrt(gram.length);
    const roots = Array.from({ length: size }, (_, channel) => Math.sqrt(gram[channel * (size + 1)]!));
    const least = LEAST_REACH * roots.reduce((most, root) => Math.max(most, root), 0);
    const found = await factorsFor(
      places.filter(({ node }) => node.input(0) === input),
      roots.map((root) => Math.max(root, least)),
    );
    if (found !== undefined) factors.set(input, { inputFactors: found });
  }
  return factors;
}
