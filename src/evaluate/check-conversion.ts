import type { Model } from "../convert/model-format.ts";
import { modelInputs } from "../convert/model-inputs.ts";
import type { Converted } from "../convert/onnx-to-bolt/index.ts";
import { withMadeUpSizes } from "../convert/onnx-to-bolt/open-sizes.ts";
import { denseTensor, denseValues } from "../graph/dense-values.ts";
import { permute } from "../graph/permute.ts";
import { type DenseTensor, elementCount } from "../graph/tensor.ts";
import { BoltqError } from "../io/error.ts";
import type { OnnxModel, OnnxNode } from "../onnx/model.ts";
import { fitInputs } from "../runtime/fit-inputs.ts";
import { loadRuntime } from "../runtime/load.ts";
import type { NamedTensors, Runtime } from "../runtime/runtime.ts";
import { layerPairs, type NamePair, namePairs } from "./layer-pairs.ts";
import { openSession } from "./open-session.ts";
import { randomInput } from "./random-input.ts";

export interface CheckConversionOptions {
  /** What runs the models. Default: the one that is installed. */
  readonly runtime?: Runtime;
}

/**
 * Runs a model and what it was converted to once, on the same random input. Throws BoltqError `mismatch` where an output
 * differs by more than float rounding, naming the output and the first operator that differs. Returns why nothing can be
 * said, where the models cannot be run or compared; undefined when all outputs agree.
 *
 * `source` must be as it was read, since converting changes a model; the weights of `converted` must still be float32.
 */
export async function checkConversion(
  source: OnnxModel,
  converted: Converted,
  { runtime }: CheckConversionOptions = {},
): Promise<string | undefined> {
  const drawing = source.main.graph.nodes.find(({ type }) => RANDOM_OPERATORS.has(type));
  if (drawing !== undefined) return `${describe(drawing)} draws random numbers`;
  const model = withMadeUpSizes(converted.model, converted.inputs, source);
  const sized = { ...converted, model };
  const hasMadeUpSizes = model !== converted.model;
  const models = { source, converted: sized, hasMadeUpSizes, runtime: runtime ?? (await loadRuntime()) };
  const results = await runBoth(models, []);
  if (typeof results === "string") return results;
  const tolerance = toleranceOf(converted);
  const outputs = comparableOutputs(source, results);
  const wrong = outputs.find((pair) => differs(results, pair, tolerance));
  if (wrong === undefined && outputs.length > 0) return undefined;
  const first = await firstDifference(models, tolerance);
  if (first?.isRounding) return `rounding tips the results of ${describe(first.node)}`;
  if (wrong === undefined && first === undefined) return undefined;
  const problems = [
    ...(wrong === undefined ? [] : [`its output "${wrong[0]}" ${describeDifference(results, wrong, tolerance)}`]),
    ...(first === undefined ? [] : [`the first operator whose results differ is ${describe(first.node)}`]),
  ];
  throw mismatch(problems.join("; "));
}

const RANDOM_OPERATORS: ReadonlySet<string> = new Set(
  "RandomNormal RandomNormalLike RandomUniform RandomUniformLike Multinomial Bernoulli".split(" "),
);

/** Operators whose results jump where their inputs differ by as little as rounding. */
const STEPPING_OPERATORS: ReadonlySet<string> = new Set([
  ...["ArgMax", "ArgMin", "TopK", "NonMaxSuppression", "Cast", "Floor", "Ceil", "Round", "Sign", "Mod"],
  ...["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "DetectionOutput"],
]);

/** Share of the results of such an operator that rounding may tip. */
const TIPPED_SHARE = 0.02;

/** Bolt's operators that compute an approximation. */
const APPROXIMATING_OPERATORS: ReadonlySet<string> = new Set(["Gelu"]);

/** The largest difference that counts as equal, as a share of the tensor's largest magnitude. */
function toleranceOf({ model }: Converted): number {
  return model.graph.nodes.some(({ type }) => APPROXIMATING_OPERATORS.has(type)) ? 1e-3 : 1e-4;
}

/** Smaller differences are rounding whatever the magnitude: what is 0 in one model may be the rest of a sum in the other. */
const LEAST_DIFFERENCE = 2e-6;

interface Models {
  readonly source: OnnxModel;
  readonly converted: Converted;
  /** Whether sizes stand in it that its source leaves open: what does not run with them may run with others. */
  readonly hasMadeUpSizes: boolean;
  readonly runtime: Runtime;
}

/** What both models gave, by name. */
type Results = readonly [source: NamedTensors, converted: NamedTensors];

/**
 * Runs both models with these inner values as outputs too, at the same time. Returns why that cannot be, where it is not
 * the conversion's fault.
 */
async function runBoth(models: Models, layers: readonly NamePair[]): Promise<Results | string> {
  const { source, converted, runtime } = models;
  const [names, otherNames] = [layers.map(([name]) => name), layers.map(([, name]) => name)];
  const feeds = drawInputs(source, converted);
  const [reference, result] = await Promise.allSettled([
    run(source, runtime, names, feeds.source),
    run(converted.model, runtime, otherNames, feeds.converted),
  ]);
  if (reference.status === "rejected") return `the source model does not run: ${reasonOf(reference.reason)}`;
  if (result.status === "fulfilled") return [reference.value, result.value];
  const error: unknown = result.reason;
  if (error instanceof BoltqError && (models.hasMadeUpSizes || error.code === "unsupported")) return error.message;
  throw mismatch(`it does not run: ${reasonOf(error)}`);
}

async function run(model: Model, runtime: Runtime, layers: readonly string[], inputs: NamedTensors) {
  const session = await openSession(model, { runtime, layers, optimization: "basic" });
  try {
    return await session.run(fitInputs(session.inputs, inputs));
  } finally {
    await session.close();
  }
}

/** The error's own words; throws what is no BoltqError. */
function reasonOf(error: unknown): string {
  if (error instanceof BoltqError) return error.problem;
  throw error;
}

/** The same random numbers for both models, each in its own axes. Inputs that the converted model has lost stand for themselves. */
function drawInputs(
  source: OnnxModel,
  { model, inputs }: Converted,
): { readonly source: NamedTensors; readonly converted: NamedTensors } {
  const given = modelInputs(model);
  const drawn = modelInputs(source).map(({ name, type }, seed) => {
    const place = inputs.findIndex((input) => input.source === name);
    const stated = type?.shape?.map((size) => (typeof size === "number" && size > 0 ? size : 1)) ?? [];
    const shape = place < 0 ? stated : (given[place]!.type!.shape as readonly number[]);
    const tensor = randomInput(type?.type ?? "float32", shape, seed);
    const axes = inputs[place]?.axes;
    return { name, tensor: axes === undefined ? tensor : unturned(tensor, axes), turned: tensor };
  });
  return {
    source: new Map(drawn.map(({ name, tensor }) => [name, tensor])),
    converted: new Map(
      given.map(({ name }, index) => [name, drawn.find((input) => input.name === inputs[index]!.source)!.turned]),
    ),
  };
}

/** What `tensor` was before its axes were put in the order `axes`. */
function unturned(tensor: DenseTensor, axes: readonly number[]): DenseTensor {
  const back = axes.map((_, axis) => axes.indexOf(axis));
  const values = denseValues(tensor);
  const original = new Float64Array(values.length);
  permute(values, tensor.shape, back, original);
  return denseTensor(
    tensor.type,
    back.map((axis) => tensor.shape[axis]!),
    original,
  );
}

/** Pairs of outputs, by place, but for those of operators of other domains: Bolt's DetectionOutput has a form of its own. */
function comparableOutputs({ main }: OnnxModel, [reference, converted]: Results): NamePair[] {
  const otherNames = [...converted.keys()];
  return main.graph.outputs.flatMap(({ name, producer }, index): NamePair[] =>
    (producer?.data.domain ?? "") === "" && reference.has(name) ? [[name, otherNames[index] ?? ""]] : [],
  );
}

/** The first operator of the source, in order, whose results differ in the converted model, and whether rounding may do that. */
async function firstDifference(
  models: Models,
  tolerance: number,
): Promise<{ readonly node: OnnxNode; readonly isRounding: boolean } | undefined> {
  const pairs = namePairs(await layerPairs(models.source, models.converted.model));
  const results = await runBoth(models, pairs);
  if (typeof results === "string") return undefined;
  const wrong = pairs.find(
    ([name, other]) => sameSize(results, [name, other]) && differs(results, [name, other], tolerance),
  );
  const node = models.source.main.graph.nodes.find(({ outputs }) => outputs.some(({ name }) => name === wrong?.[0]));
  if (wrong === undefined || node === undefined) return undefined;
  const { share } = differenceOf(results, wrong, tolerance);
  return { node, isRounding: STEPPING_OPERATORS.has(node.type) && share <= TIPPED_SHARE };
}

function sameSize([reference, converted]: Results, [name, otherName]: NamePair): boolean {
  const [one, other] = [reference.get(name), converted.get(otherName)];
  return one !== undefined && other !== undefined && elementCount(one.shape) === elementCount(other.shape);
}

interface TensorDifference {
  /** Infinite where the sizes differ, or a number is NaN or infinite in one of the two alone. */
  readonly largest: number;
  /** Largest magnitude of the source's numbers. */
  readonly magnitude: number;
  /** Share of numbers that differ by more than the tolerance. */
  readonly share: number;
}

function differenceOf(
  [reference, converted]: Results,
  [name, otherName]: NamePair,
  tolerance: number,
): TensorDifference {
  const expected = denseValues(reference.get(name)!);
  const actual = converted.has(otherName) ? denseValues(converted.get(otherName)!) : [];
  const magnitude = largestFinite(expected);
  if (expected.length !== actual.length) return { largest: Number.POSITIVE_INFINITY, magnitude, share: 1 };
  const least = Math.max(LEAST_DIFFERENCE, tolerance * magnitude);
  let [largest, count] = [0, 0];
  for (let index = 0; index < expected.length; index++) {
    const gap = Object.is(expected[index], actual[index]) ? 0 : Math.abs(expected[index]! - actual[index]!);
    if (!(gap <= least)) count += 1;
    largest = Number.isNaN(gap) ? Number.POSITIVE_INFINITY : Math.max(largest, gap);
  }
  return { largest, magnitude, share: count / Math.max(1, expected.length) };
}

function largestFinite(values: ArrayLike<number>): number {
  let largest = 0;
  for (let index = 0; index < values.length; index++) {
    const magnitude = Math.abs(values[index]!);
    if (magnitude > largest && Number.isFinite(magnitude)) largest = magnitude;
  }
  return largest;
}

function differs(results: Results, pair: NamePair, tolerance: number): boolean {
  return differenceOf(results, pair, tolerance).share > 0;
}

function describeDifference(results: Results, pair: NamePair, tolerance: number): string {
  if (!sameSize(results, pair)) return "has another number of elements";
  const { largest, magnitude } = differenceOf(results, pair, tolerance);
  return `differs by up to ${largest.toPrecision(3)}, where the source's numbers reach ${magnitude.toPrecision(3)}`;
}

function describe({ name, type }: OnnxNode): string {
  return `operator "${name}" (${type})`;
}

function mismatch(problem: string): BoltqError {
  return new BoltqError("mismatch", `the converted model computes something else than its source: ${problem}`, {
    remedy: "Replace the operator before exporting, and report this; --no-check writes the model all the same",
  });
}
