import type { Collected, Statistics, ValueStatistics } from "../calibrate/statistics.ts";
import { type Dataset, firstSamples, type Sample } from "../data/dataset.ts";
import { denseValues } from "../graph/dense-values.ts";
import { memorySource } from "../io/bytes.ts";
import { BoltqError } from "../io/error.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { readOnnx } from "../onnx/read.ts";
import { planObservation } from "../quantize/onnx/observation.ts";
import { isFusedActivation, roleOf } from "../quantize/onnx/operator-roles.ts";
import { prepareForQuantization } from "../quantize/onnx/prepare.ts";
import { type QuantizedOnnx, quantizeOnnx } from "../quantize/onnx/quantize-onnx.ts";
import type { Plan } from "../quantize/plan.ts";
import type { Recipe } from "../quantize/recipe.ts";
import { bytesOf } from "../quantize/refine/partial-model.ts";
import { fitInputs } from "../runtime/fit-inputs.ts";
import { loadRuntime } from "../runtime/load.ts";
import type { NamedTensors, Runtime, Session } from "../runtime/runtime.ts";
import { compareModels } from "./compare.ts";
import { operatorTimes, type TimedOperator } from "./operator-times.ts";
import { Times } from "./times.ts";
import { DECIBELS, type TuneMetric } from "./tune-metrics.ts";

/** What the tuned model is to be as good as possible at, within the limit. */
export type TuneObjective = "speed" | "size";

/** What is tuned to, and on what. */
export interface TuneOptions {
  /** All that is calibrated and measured on. */
  readonly dataset: Dataset;
  readonly metric: TuneMetric;
  /** What may be lost, in the metric's per cent points. */
  readonly maxDrop: number;
  /** Default `speed`. */
  readonly objective?: TuneObjective | undefined;
  /** What holds for all trials; its rules win over none of those that are found. */
  readonly recipe?: Recipe | undefined;
  readonly runtime?: Runtime | undefined;
  /** For messages: what the user calls the model. */
  readonly name?: string | undefined;
  /** What an earlier run got to. */
  readonly state?: TuneState | undefined;
  /** Called with what was found so far, to be given back as `state`. */
  readonly onState?: ((state: TuneState) => void | Promise<void>) | undefined;
  /** Called with each trial when it was measured. */
  readonly onTrial?: ((trial: TuneTrial) => void) | undefined;
  /** Called with what the user should know beside the trials. */
  readonly onNote?: ((note: string) => void) | undefined;
}

/** What one operator costs in int8, and what int8 saves there. */
export interface OperatorCost {
  readonly name: string;
  /** Power of the outputs' error when this operator's own error is all that is wrong, as a share of the outputs' power. */
  readonly noise: number;
  /** Milliseconds alone; undefined where it could not be cut out. */
  readonly float: number | undefined;
  readonly int8: number | undefined;
  /** Bytes that its weight takes less in int8. */
  readonly bytes: number;
}

/** A quantization that was tried, and what it is like. */
export interface TuneTrial {
  /** What is special about it. */
  readonly what: string;
  readonly recipe: Recipe;
  /** Operators in int8. */
  readonly operators: number;
  /** What was lost, in the metric's per cent points. */
  readonly drop: number;
  /** What is expected to be lost on other examples: see `TuneMetric.expected`. */
  readonly expected: number;
  /** Power of the outputs' error as a share of the outputs' power: what tells trials apart that lose the same. */
  readonly noise: number;
  /** Milliseconds of a run of the float model and of this one, in turns. */
  readonly milliseconds: readonly [float: number, int8: number];
  readonly bytes: number;
  /** How long the trial took. */
  readonly seconds: number;
}

/** What a run of tuning found so far: plain data. */
export interface TuneState {
  readonly costs: readonly OperatorCost[] | undefined;
  readonly trials: readonly TuneTrial[];
}

/** What tuning found. */
export interface TuneResult {
  /** The trial that was taken; one that leaves all in float where nothing else meets the limit and is faster than that. */
  readonly best: TuneTrial;
  /** The model of that trial; undefined where it was tried in an earlier run. */
  readonly quantized: QuantizedOnnx | undefined;
  readonly trials: readonly TuneTrial[];
  readonly costs: readonly OperatorCost[];
}

/**
 * Finds the operators that stay float so that no more is lost than the limit, and the model is fastest, or smallest. What each operator's error does to
 * the outputs and how long it takes in int8 and in float is measured once; operators are then left in float in the order of error for the time (or bytes) that it
 * takes, as few as are needed: how many is found by measuring whole models. `bytes` is the float model's file. The same recipe, examples and model give the trial's
 * model again. Throws BoltqError as `quantizeOnnx` and the metric do.
 */
export async function tuneOnnx(bytes: Uint8Array, options: TuneOptions): Promise<TuneResult> {
  const runtime = options.runtime ?? (await loadRuntime());
  const tuner = await Tuner.of(bytes, { ...options, runtime });
  try {
    return await tuner.run();
  } finally {
    await tuner.close();
  }
}

/** Effects of operators' errors are measured on so many examples. */
const SENSITIVITY_EXAMPLES = 2;

/** Runs of which the median is a model's time. */
const TIMED_RUNS = 15;

/** Where fitting takes so many times as long as a trial without, it is left for the end. */
const SLOW_FITTING = 8;

/** Trials to find how many operators are left in float. */
const MOST_HALVINGS = 5;

/** What is better by less is given up for a model nearer to the float model. */
const NOTICEABLE = 1.04;

/** This share of time or bytes may be given up for accuracy before all else. */
const NEGLIGIBLE = 0.02;

/** Examples are kept in memory between trials up to so many bytes. */
const MOST_KEPT_BYTES = 1 << 28;

type Settled = TuneOptions & { readonly runtime: Runtime };

class Tuner {
  readonly #bytes: Uint8Array;
  readonly #options: Settled;
  readonly #float: Session;
  readonly #first: Sample;
  readonly #examples: Dataset;
  readonly #reference: readonly Float32Array[];
  readonly #sampled: readonly Float32Array[];
  #costs: readonly OperatorCost[] | undefined;
  readonly #trials: TuneTrial[] = [];
  /** What was made in this run. */
  readonly #made = new Map<TuneTrial, QuantizedOnnx>();
  readonly #known: ReadonlyMap<string, TuneTrial>;
  /** What was seen of the float model's values: the same for all recipes that calibrate on all examples. */
  #statistics: Statistics | undefined;

  private constructor(bytes: Uint8Array, options: Settled, float: Session, measured: Measured, examples: Dataset) {
    this.#bytes = bytes;
    this.#options = options;
    this.#float = float;
    this.#first = measured.first;
    this.#reference = measured.kept;
    this.#sampled = measured.sampled;
    this.#examples = examples;
    this.#costs = options.state?.costs;
    this.#known = new Map((options.state?.trials ?? []).map((trial) => [keyOf(trial.recipe), trial]));
  }

  static async of(bytes: Uint8Array, options: Settled): Promise<Tuner> {
    const examples = await keptInMemory(options.dataset);
    const float = await options.runtime.createSession(bytes, { threads: 1, name: options.name });
    try {
      return new Tuner(bytes, options, float, await measure(float, examples, options.metric), examples);
    } catch (error) {
      await float.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#float.close();
  }

  async run(): Promise<TuneResult> {
    const base: Recipe = { ...this.#options.recipe, effort: "fast" };
    const all = { ...base, floatStem: false };
    await this.#try("all in int8", all);
    this.#costs ??= await this.#measureCosts(all);
    await this.#save();
    await this.#leaveSlowInFloat(base, all);
    const start = this.#bestBy(this.#trials)!;
    if (!this.#meets(start)) await this.#fit(start);
    const best = this.#choose() ?? (await this.#try("all in float", { ...base, precision: "float" }));
    return { best, quantized: this.#made.get(best), trials: this.#trials, costs: this.#costs };
  }

  /** Fits weights and biases; where that is not enough, operators are left in float too. */
  async #fit(start: TuneTrial): Promise<void> {
    const cheap = this.#cheapOnes(start);
    const what = cheap.length === 0 ? "" : `, ${cheap.length} that int8 saves least at left in float`;
    const fitted = await this.#try(`weights and biases fitted${what}`, fitting(leftFloat(start.recipe, cheap)));
    if (this.#meets(fitted)) return;
    const slow = fitted.seconds > SLOW_FITTING * start.seconds;
    const failing = await this.#leaveAsFewInFloat(slow || start.expected < fitted.expected ? start : fitted);
    if (!slow || failing.length === 0) return;
    await this.#try(
      `${failing.length} operators left in float, the others fitted`,
      fitting(leftFloat(start.recipe, failing)),
    );
  }

  /** Operators that are slower in int8 stay float, where the whole is faster so. */
  async #leaveSlowInFloat(base: Recipe, all: Recipe): Promise<void> {
    if (this.#options.objective === "size") return;
    const slow = this.#costs!.filter(({ float, int8 }) => float !== undefined && int8 !== undefined && int8 > float);
    if (slow.length > 0) {
      const names = slow.map(({ name }) => name);
      await this.#try(`${slow.length} that are slower in int8 left in float`, leftFloat(all, names));
    }
    await this.#try("the first convolutions left in float", base);
  }

  /** Those first in the order that together take so little more in float that it does not matter. */
  #cheapOnes({ recipe, milliseconds: [, time], bytes }: TuneTrial): string[] {
    const costs = new Map(this.#costs!.map((cost) => [cost.name, cost]));
    let left = NEGLIGIBLE * (this.#options.objective === "size" ? bytes : time);
    const cheap: string[] = [];
    for (const name of this.#order(recipe)) {
      left -= this.#saved(costs.get(name)!);
      if (left < 0) break;
      cheap.push(name);
    }
    return cheap;
  }

  /**
   * Leaves as few operators in float as the limit needs: how many is reckoned first, then found by halving. Returns the most that were not enough.
   */
  async #leaveAsFewInFloat(start: TuneTrial): Promise<string[]> {
    const order = this.#order(start.recipe);
    let [failing, meeting] = [0, order.length];
    let count = this.#reckoned(start, order);
    for (let trial = 0; trial < MOST_HALVINGS && count > failing && count < meeting; trial++) {
      const what = `${count} of ${order.length} operators left in float`;
      if (this.#meets(await this.#try(what, leftFloat(start.recipe, order.slice(0, count))))) meeting = count;
      else failing = count;
      count = (failing + meeting) >> 1;
    }
    return order.slice(0, failing);
  }

  /** How many operators must be left in float if errors add up and what is lost goes with their root. */
  #reckoned({ expected }: TuneTrial, order: readonly string[]): number {
    const noises = new Map(this.#costs!.map(({ name, noise }) => [name, noise]));
    const all = order.reduce((sum, name) => sum + noises.get(name)!, 0);
    const allowed = all * (this.#options.maxDrop / expected) ** 2;
    let left = all;
    const count = order.findIndex((name) => {
      if (left <= allowed) return true;
      left -= noises.get(name)!;
      return false;
    });
    return Math.max(1, count < 0 ? order.length - 1 : count);
  }

  /** Operators in int8, those first that cost the outputs most for what int8 saves there. */
  #order(recipe: Recipe): string[] {
    const rules = recipe.rules ?? [];
    const left = new Set(rules.flatMap(({ names = [], precision }) => (precision === "float" ? names : [])));
    const worth = (cost: OperatorCost) => cost.noise / this.#saved(cost);
    return this.#costs!.filter(({ name, noise }) => noise > 0 && !left.has(name))
      .toSorted((one, other) => worth(other) - worth(one))
      .map(({ name }) => name);
  }

  /** Bytes or milliseconds that int8 saves at an operator. */
  #saved({ float = 0, int8 = 0, bytes }: OperatorCost): number {
    return this.#options.objective === "size" ? bytes + 1 : Math.max(float - int8, LEAST_SAVING);
  }

  async #try(what: string, recipe: Recipe): Promise<TuneTrial> {
    const key = keyOf(recipe);
    const before = this.#trials.find((trial) => keyOf(trial.recipe) === key);
    if (before !== undefined) return before;
    const trial = this.#known.get(key) ?? (await this.#measureTrial(what, recipe));
    this.#trials.push(trial);
    this.#options.onTrial?.(trial);
    await this.#save();
    return trial;
  }

  async #measureTrial(what: string, recipe: Recipe): Promise<TuneTrial> {
    const { runtime, metric } = this.#options;
    const began = performance.now();
    const quantized = await this.#quantize(recipe);
    const file = await bytesOf(quantized.model);
    const session = await runtime.createSession(file, { threads: 1 });
    try {
      const { kept, sampled } = await measure(session, this.#examples, metric);
      const trial = {
        what,
        recipe,
        operators: quantized.plan.operators.filter(({ precision }) => precision === "int8").length,
        drop: metric.drop(kept, this.#reference),
        expected: (metric.expected ?? metric.drop)(kept, this.#reference),
        noise: DECIBELS.drop(sampled, this.#sampled) / 100,
        milliseconds: await this.#race(session),
        bytes: file.length,
        seconds: (performance.now() - began) / 1000,
      };
      this.#made.set(trial, quantized);
      return trial;
    } finally {
      await session.close();
    }
  }

  async #quantize(recipe: Recipe): Promise<QuantizedOnnx> {
    const { runtime } = this.#options;
    const model = await readOnnx(memorySource(this.#bytes));
    // Fitted models are calibrated on other examples than they are judged by.
    if (recipe.effort !== "fast") return quantizeOnnx(model, { recipe, dataset: this.#examples, runtime });
    const statistics = await this.#seen(recipe);
    const quantized = await quantizeOnnx(model, { recipe, dataset: this.#examples, statistics, runtime });
    this.#statistics = joined(this.#statistics, quantized.statistics);
    return quantized;
  }

  /** What was seen in other trials, where it is all that this one needs. */
  async #seen(recipe: Recipe): Promise<Statistics | undefined> {
    if (this.#statistics === undefined) return undefined;
    const { needs } = await planObservation(await readOnnx(memorySource(this.#bytes)), recipe);
    const { values } = this.#statistics;
    const isSeen = ([name, kinds]: readonly [string, ReadonlySet<Collected>]) => {
      const seen = values.get(name);
      return seen !== undefined && [...kinds].every((kind) => KINDS[kind](seen));
    };
    return [...needs].every(isSeen) ? this.#statistics : undefined;
  }

  async #race(session: Session): Promise<[number, number]> {
    const sessions = [this.#float, session] as const;
    const { inputs } = this.#first;
    const feeds = [fitInputs(this.#float.inputs, inputs), fitInputs(session.inputs, inputs)] as const;
    const times = new Times();
    for (let run = 0; run < TIMED_RUNS; run++) await times.measure(sessions, feeds);
    return times.medians()!;
  }

  async #measureCosts(recipe: Recipe): Promise<OperatorCost[]> {
    const { runtime, onNote } = this.#options;
    onNote?.("measuring each operator: what its error does to the outputs, and its time in int8 and in float");
    const { model, plan } = await this.#quantize(recipe);
    const prepared = await readOnnx(memorySource(this.#bytes));
    await prepareForQuantization(prepared);
    const operators = candidates(prepared, plan);
    const noises = await this.#noises(prepared, model);
    const files = { float: await bytesOf(prepared), int8: await bytesOf(model) };
    const feeds = fitInputs(this.#float.inputs, this.#first.inputs);
    const times = await operatorTimes(files, operators, feeds, runtime);
    const weights = new Map(plan.weights.map((weight) => [weight.operator, weight.name]));
    const sizes = new Map(prepared.main.initializers.map(({ name, constant }) => [name, constant?.data.length ?? 0]));
    return operators.map(({ name, activation }) => ({
      name,
      noise: (noises.get(name) ?? 0) + (noises.get(activation ?? "") ?? 0),
      float: times.get(name)?.float,
      int8: times.get(name)?.int8,
      bytes: 0.75 * (sizes.get(weights.get(name) ?? "") ?? 0),
    }));
  }

  async #noises(float: OnnxModel, int8: OnnxModel): Promise<Map<string, number>> {
    const { inner } = await compareModels(float, int8, firstSamples(this.#examples, SENSITIVITY_EXAMPLES), {
      layers: true,
      carried: Number.POSITIVE_INFINITY,
      timedSamples: 0,
      runtime: this.#options.runtime,
    });
    return new Map(
      inner!.losses.map(({ operator, effect }) => [operator, effect === undefined ? 0 : 10 ** (-effect / 10)]),
    );
  }

  #meets({ expected }: TuneTrial): boolean {
    return expected <= this.#options.maxDrop + 1e-9;
  }

  /** The best of those that meet the limit; none where the float model is faster than all of them. */
  #choose(): TuneTrial | undefined {
    const best = this.#bestBy(this.#trials.filter((trial) => this.#meets(trial)));
    if (best === undefined || this.#options.objective === "size") return best;
    return ratioOf(best) < 1 ? undefined : best;
  }

  #bestBy(trials: readonly TuneTrial[]): TuneTrial | undefined {
    const score = (trial: TuneTrial) => (this.#options.objective === "size" ? 1 / trial.bytes : ratioOf(trial));
    const most = trials.reduce((best, trial) => Math.max(best, score(trial)), 0);
    // Of those that are as good but for chance the one that loses least.
    return trials
      .filter((trial) => score(trial) * NOTICEABLE >= most)
      .toSorted((one, other) => one.drop - other.drop)[0];
  }

  async #save(): Promise<void> {
    const known = [...this.#known.values()].filter(
      ({ recipe }) => !this.#trials.some((trial) => keyOf(trial.recipe) === keyOf(recipe)),
    );
    await this.#options.onState?.({ costs: this.#costs, trials: [...this.#trials, ...known] });
  }
}

/** Whether statistics hold what is asked for. */
const KINDS: Readonly<Record<Collected, (seen: ValueStatistics) => boolean>> = {
  extremes: () => true,
  histogram: ({ histogram }) => histogram !== undefined,
  sample: () => false,
  moments: ({ moments }) => moments !== undefined,
  channels: ({ channels }) => channels !== undefined,
};

/** The values of both; of one that both saw, what says more. */
function joined(one: Statistics | undefined, other: Statistics | undefined): Statistics | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  const values = new Map(one.values);
  for (const [name, seen] of other.values) values.set(name, { ...values.get(name), ...withoutGaps(seen) });
  return { ...one, values };
}

/** The fields that are there. */
function withoutGaps(seen: ValueStatistics): ValueStatistics {
  return Object.fromEntries(
    Object.entries(seen).filter(([, field]) => field !== undefined),
  ) as unknown as ValueStatistics;
}

/** An operator that int8 saves nothing at is the first to be left in float; by this, in milliseconds, none divides by nothing. */
const LEAST_SAVING = 1e-4;

/** The recipe as text, whatever the order of its fields. */
function keyOf(recipe: Recipe): string {
  return JSON.stringify(recipe, (_, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
      : value,
  );
}

/** How many times as fast as the float model. */
function ratioOf({ milliseconds: [float, int8] }: TuneTrial): number {
  return float / int8;
}

/** The recipe with weights and biases fitted. */
function fitting(recipe: Recipe): Recipe {
  return { ...recipe, effort: "default" };
}

/** The recipe with these operators in float. */
function leftFloat(recipe: Recipe, names: readonly string[]): Recipe {
  if (names.length === 0) return recipe;
  return { ...recipe, rules: [...(recipe.rules ?? []), { names, precision: "float" }] };
}

/** Operators in int8 that are worth a decision of their own: activations and what moves numbers go with those before them. */
function candidates({ main }: OnnxModel, { operators }: Plan): TimedOperator[] {
  const int8 = new Set(operators.filter(({ precision }) => precision === "int8").map(({ name }) => name));
  return main.graph.nodes.flatMap((node): TimedOperator[] => {
    const role = roleOf(node);
    if (!int8.has(node.name) || role === undefined || role === "pass") return [];
    const [reader, ...others] = node.output().users;
    const fused = reader !== undefined && others.length === 0 && isFusedActivation(reader) && int8.has(reader.name);
    return [{ name: node.name, activation: fused ? reader.name : undefined }];
  });
}

interface Measured {
  readonly first: Sample;
  /** By example: what the metric keeps, and some of the outputs' numbers. */
  readonly kept: readonly Float32Array[];
  readonly sampled: readonly Float32Array[];
}

/** Of each example's outputs about so many numbers are kept. */
const SAMPLED = 2048;

function sampleOf(outputs: NamedTensors): Float32Array {
  const values = [...outputs.values()].map(denseValues);
  const step = Math.ceil(values.reduce((sum, { length }) => sum + length, 0) / SAMPLED);
  return Float32Array.from(values.flatMap((each) => Array.from(each).filter((_, index) => index % step === 0)));
}

async function measure(session: Session, examples: Dataset, metric: TuneMetric): Promise<Measured> {
  const kept: Float32Array[] = [];
  const sampled: Float32Array[] = [];
  let first: Sample | undefined;
  for await (const sample of examples.samples()) {
    first ??= sample;
    const outputs = await session.run(fitInputs(session.inputs, sample.inputs));
    kept.push(metric.keep(sample, outputs));
    sampled.push(sampleOf(outputs));
  }
  if (first !== undefined) return { first, kept, sampled };
  throw new BoltqError("invalid-data", "there are no examples to tune on", {
    remedy: "Give a folder with pictures or arrays",
  });
}

/** The examples, read once where they fit into memory. */
async function keptInMemory(dataset: Dataset): Promise<Dataset> {
  const samples: Sample[] = [];
  let bytes = 0;
  for await (const sample of dataset.samples()) {
    samples.push(sample);
    for (const { data } of sample.inputs.values()) bytes += data.byteLength;
    if (bytes > MOST_KEPT_BYTES) return dataset;
  }
  return {
    length: samples.length,
    names: samples.map(({ name }) => name),
    async *samples() {
      yield* samples;
    },
  };
}
