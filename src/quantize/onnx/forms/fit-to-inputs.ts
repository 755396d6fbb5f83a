import type { CollectOptions } from "../../../calibrate/collect.ts";
import type { Dataset } from "../../../data/dataset.ts";
import type { OnnxModel, OnnxValue } from "../../../onnx/model.ts";
import type { Plan, WeightPlan } from "../../plan.ts";
import { factorsFor } from "./balance-inputs.ts";
import { roundsInputs } from "./choose-form.ts";
import { type Gram, inputGrams, inputSquares } from "./input-grams.ts";
import { channelMatrix, channelNumbers, turnInto } from "./matrix-rows.ts";
import { withOtherWords } from "./other-words.ts";
import { roundBlocks } from "./round-blocks.ts";
import { SharedWork } from "./shared-work.ts";
import { type WeightPlace, weightPlaces } from "./weight-places.ts";

/** Products of more inputs are not fitted: the Gram of one takes 134 MB. */
const MOST_INPUTS = 4096;

/** Grams of so many numbers are collected; the products behind them are not fitted. */
const MOST_NUMBERS = 2 ** 26;

export interface FitToInputsOptions extends CollectOptions {
  /** Called with how many weights of how many are fitted. */
  readonly onFit?: ((done: number, all: number) => void) | undefined;
}

/**
 * Rounds the weights of a plan that stand in blocks so that their products err least on examples, as the float model gives what
 * they read; the codes are held in the plan. Products in the range of each run get inputs whose channels reach as far as each other. Weights of subgraphs and wide ones are left as they are.
 */
export async function fitToInputs(
  model: OnnxModel,
  plan: Plan,
  dataset: Dataset,
  options: FitToInputsOptions,
  shared: SharedWork = new SharedWork(),
): Promise<Plan> {
  const places = fittable(model, plan);
  const rounding = [...places].flatMap(([weight, place]) => (isRounding(weight) ? place : []));
  const factors = await shared.once(`factors ${rounding.map(({ node }) => node.name)}`, () =>
    factorsOf(model, rounding, dataset, options),
  );
  const blocks = [...places].filter(([weight]) => !isRounding(weight));
  const found = await shared.once(`fitted ${blocks.map(([weight]) => JSON.stringify(weight))}`, () =>
    fittedBlocks(model, new Map(blocks), withOtherWords(model, dataset), options),
  );
  const weights = plan.weights.map((weight) => ({
    ...weight,
    ...factors.get(weight.operator),
    ...found.get(weight.operator),
  }));
  return { ...plan, weights };
}

/** What fitting changes about the plans of weights in blocks, by operator. */
async function fittedBlocks(
  model: OnnxModel,
  places: ReadonlyMap<WeightPlan, WeightPlace>,
  dataset: Dataset,
  options: FitToInputsOptions,
): Promise<Map<string, Partial<WeightPlan>>> {
  const fitted = new Map<string, Partial<WeightPlan>>();
  if (places.size === 0) return fitted;
  const grams = await inputGrams(model, inputsOf([...places.values()]), dataset, options);
  for (const gram of grams.values()) shrink(gram);
  for (const [weight, { node, value }] of places) {
    fitted.set(node.name, await fittedWeight(value, weight, grams.get(node.input(0))!));
    options.onFit?.(fitted.size, places.size);
    // Lets signals be heard and memory go.
    await new Promise((resolve) => setTimeout(resolve));
  }
  return fitted;
}

/** What is left of a Gram beside its diagonal: what few examples tell of two inputs together is taken less. */
const KEPT_BESIDE = 0.85;

function shrink(gram: Gram): void {
  const size = Math.sqrt(gram.length);
  for (let place = 0; place < gram.length; place++) if (place % (size + 1) !== 0) gram[place]! *= KEPT_BESIDE;
}

function isRounding({ form, type }: WeightPlan): boolean {
  return roundsInputs({ form, type });
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

function inputsOf(places: readonly WeightPlace[]): Map<OnnxValue, number> {
  return new Map(places.map(({ node, value, axis }) => [node.input(0), value.constant!.shape[1 - axis]!]));
}

async function fittedWeight(value: OnnxValue, weight: WeightPlan, gram: Float64Array): Promise<Partial<WeightPlan>> {
  const shape = value.constant!.shape as [number, number];
  const [rows, columns] = weight.axis === 0 ? shape : [shape[1], shape[0]];
  const bits = weight.type === "int4" || weight.type === "uint4" ? 4 : 8;
  const numbers = await channelNumbers(channelMatrix(value, weight.axis));
  const made = roundBlocks(numbers, gram, { rows, columns, block: weight.block!, bits });
  const codes = new Int8Array(made.codes.length);
  if (weight.axis === 0) codes.set(made.codes);
  else turnInto(codes, rows, made.codes, columns, [rows, columns]);
  return { codes, scales: [...made.scales], method: "fitted" };
}

/** Channels that hardly ever are anything but zero are taken for this share of the widest. */
const LEAST_REACH = 1e-3;

/** What the channels of each product's input are divided by, from the roots of their mean squares. */
async function factorsOf(
  model: OnnxModel,
  places: readonly WeightPlace[],
  dataset: Dataset,
  options: CollectOptions,
): Promise<Map<string, Partial<WeightPlan>>> {
  const factors = new Map<string, Partial<WeightPlan>>();
  if (places.length === 0) return factors;
  for (const [input, squares] of await inputSquares(model, inputsOf(places), dataset, options)) {
    const readers = places.filter(({ node }) => node.input(0) === input);
    const roots = Array.from(squares, Math.sqrt);
    const least = LEAST_REACH * roots.reduce((most, root) => Math.max(most, root), 0);
    const inputFactors = await factorsFor(
      readers,
      roots.map((root) => Math.max(root, least)),
    );
    if (inputFactors === undefined) continue;
    for (const { node } of readers) factors.set(node.name, { inputFactors });
  }
  return factors;
}
