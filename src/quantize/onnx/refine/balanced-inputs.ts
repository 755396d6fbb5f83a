import type { CollectOptions } from "../../../calibrate/collect.ts";
import type { Statistics, ValueStatistics } from "../../../calibrate/statistics.ts";
import type { Dataset } from "../../../data/dataset.ts";
import type { OnnxModel, OnnxNode, OnnxValue } from "../../../onnx/model.ts";
import { float32Of } from "../../../onnx/tensor-data.ts";
import { type InputScaling, inputAxis, takesInputScaling } from "../../../transform/onnx/scale-inputs.ts";
import type { Plan } from "../../plan.ts";
import { inputSquares } from "../forms/input-grams.ts";

/**
 * Shares of the spread between channels that go from inputs to weights. Where they are not 0.5 to 0.8, what was predicted was
 * the luck of few examples (sentence encoders, on other texts).
 */
const SHARES = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8];

/** Channels that hardly ever are anything but zero, and weights, are taken for this share of the largest. */
const LEAST_SHARE = 1e-3;

/**
 * What the inputs of a plan's products are to be divided by so that rounding both them and the weights errs least (SmoothQuant,
 * arXiv 2211.10438, with a share for each input). Only of values that operators in float give: others would be rounded twice.
 */
export async function balancedInputs(
  model: OnnxModel,
  plan: Plan,
  statistics: Statistics,
  dataset: Dataset,
  options: CollectOptions,
): Promise<InputScaling[]> {
  const readers = readersOf(model, plan);
  const sizes = new Map(
    [...readers].map(([value, [first]]) => [value, first!.input(1).constant!.shape[inputAxis(first!)]!]),
  );
  const squares =
    readers.size === 0 ? new Map<OnnxValue, Float64Array>() : await inputSquares(model, sizes, dataset, options);
  const scalings: InputScaling[] = [];
  for (const [value, nodes] of readers) {
    const seen = statistics.values.get(value.name);
    if (seen?.channels?.magnitudes.length !== sizes.get(value)) continue;
    const weights = await Promise.all(nodes.map(rowsOf));
    const factors = bestFactors(inputOf(seen!, squares.get(value)!), weights);
    if (factors !== undefined) scalings.push({ input: value.name, operators: nodes.map(({ name }) => name), factors });
  }
  return scalings;
}

/** The products that read each value, where all that read it quantized can be scaled. */
function readersOf(model: OnnxModel, plan: Plan): Map<OnnxValue, OnnxNode[]> {
  const stored = new Set(plan.values.filter(({ made }) => !made).map(({ name }) => name));
  const weights = new Set(plan.weights.map(({ operator }) => operator));
  const readers = new Map<OnnxValue, OnnxNode[]>();
  for (const node of model.main.graph.nodes) {
    const value = node.inputs[0];
    if (value === undefined || !stored.has(value.name) || !weights.has(node.name) || !takesInputScaling(node)) continue;
    readers.set(value, [...(readers.get(value) ?? []), node]);
  }
  return readers;
}

/** A weight, its inputs × outputs. */
interface Rows {
  readonly inputs: number;
  readonly outputs: number;
  readonly at: (input: number, output: number) => number;
}

async function rowsOf(node: OnnxNode): Promise<Rows> {
  const { constant } = node.input(1);
  const values = await float32Of(constant!);
  const [rows = 0, columns = 0] = constant!.shape;
  return inputAxis(node) === 0
    ? { inputs: rows, outputs: columns, at: (input, output) => values[input * columns + output]! }
    : { inputs: columns, outputs: rows, at: (input, output) => values[output * columns + input]! };
}

/** What was seen of the channels of an input. */
interface Input {
  /** Roots of the mean squares. */
  readonly roots: readonly number[];
  readonly magnitudes: readonly number[];
  /** How much longer the range of all is than the largest magnitude: 1 where nothing is negative, 2 where it is even. */
  readonly spread: number;
}

function inputOf({ numbers, minimum, maximum, channels }: ValueStatistics, squares: Float64Array): Input {
  const { magnitudes } = channels!;
  const rows = numbers / magnitudes.length;
  const range = Math.max(maximum, 0) - Math.min(minimum, 0);
  return {
    roots: atLeast(Array.from(squares, (sum) => Math.sqrt(sum / rows))),
    magnitudes,
    spread: range / Math.max(-minimum, maximum),
  };
}

/** An input is scaled where its products are predicted to err by so much less (squares): else a Mul is not worth its time. */
const WORTHWHILE = 0.8;

/** Undefined where it is best to leave all as it is. */
function bestFactors(input: Input, weights: readonly Rows[]): readonly number[] | undefined {
  const sizes = atLeast(input.roots.map((_, channel) => Math.max(...weights.map((rows) => largestOf(rows, channel)))));
  if (input.roots.includes(0) || sizes.includes(0)) return undefined;
  let best: readonly number[] | undefined;
  const unchanged = input.roots.map(() => 1);
  let least = WORTHWHILE * predictedError(input, weights, unchanged);
  for (const share of SHARES) {
    const factors = normalized(input.roots.map((root, channel) => root ** share / sizes[channel]! ** (1 - share)));
    const error = predictedError(input, weights, factors);
    if (error < least) [best, least] = [factors, error];
  }
  return best;
}

function atLeast(magnitudes: readonly number[]): number[] {
  const least = LEAST_SHARE * magnitudes.reduce((most, one) => Math.max(most, one), 0);
  return magnitudes.map((one) => Math.max(one, least));
}

/** Of geometric mean 1, as float32 numbers. */
function normalized(factors: readonly number[]): number[] {
  const middle = Math.exp(factors.reduce((sum, factor) => sum + Math.log(factor), 0) / factors.length);
  return factors.map((factor) => Math.fround(factor / middle));
}

function largestOf({ outputs, at }: Rows, input: number): number {
  let largest = 0;
  for (let output = 0; output < outputs; output++) largest = Math.max(largest, Math.abs(at(input, output)));
  return largest;
}

const INPUT_CODES = 255;
const WEIGHT_CODES = 254;

/** The mean square of a product's error, up to a factor: each step of a scale errs evenly, independent of all others. */
function predictedError(
  { roots, magnitudes, spread }: Input,
  weights: readonly Rows[],
  factors: readonly number[],
): number {
  const step =
    (spread * magnitudes.reduce((most, one, channel) => Math.max(most, one / factors[channel]!), 0)) / INPUT_CODES;
  const power = roots.reduce((sum, root, channel) => sum + (root / factors[channel]!) ** 2, 0);
  let error = 0;
  for (const { inputs, outputs, at } of weights) {
    for (let output = 0; output < outputs; output++) {
      let [largest, squares] = [0, 0];
      for (let input = 0; input < inputs; input++) {
        const weight = at(input, output) * factors[input]!;
        largest = Math.max(largest, Math.abs(weight));
        squares += weight * weight;
      }
      error += step ** 2 * squares + ((2 * largest) / WEIGHT_CODES) ** 2 * power;
    }
  }
  return error;
}
