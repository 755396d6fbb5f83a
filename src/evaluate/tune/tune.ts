import type { Dataset } from "../../data/dataset.ts";
import type { QuantizedOnnx } from "../../quantize/onnx/quantize-onnx.ts";
import type { Recipe } from "../../quantize/recipe.ts";
import { loadRuntime } from "../../runtime/load.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { TuneMetric } from "./metrics.ts";
import type { OperatorCost } from "./operator-costs.ts";
import { TrialBench, type TuneTrial } from "./trial-bench.ts";
import { fitting, keyOf, leftFloat } from "./trial-recipes.ts";

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
  const { dataset, metric, name } = options;
  const bench = await TrialBench.open(bytes, { dataset, metric, name, runtime });
  try {
    return await new Tuner(bench, options).run();
  } finally {
    await bench.close();
  }
}

/** Where fitting takes so many times as long as a trial without, it is left for the end. */
const SLOW_FITTING = 8;

/** Trials to find how many operators are left in float. */
const MOST_HALVINGS = 5;

/** What is better by less is given up for a model nearer to the float model. */
const NOTICEABLE = 1.04;

/** This share of time or bytes may be given up for accuracy before all else. */
const NEGLIGIBLE = 0.02;

/** Looks for the best trial. */
class Tuner {
  readonly #bench: TrialBench;
  readonly #options: TuneOptions;
  #costs: readonly OperatorCost[] | undefined;
  readonly #trials: TuneTrial[] = [];
  /** What was made in this run. */
  readonly #made = new Map<TuneTrial, QuantizedOnnx>();
  readonly #known: ReadonlyMap<string, TuneTrial>;

  constructor(bench: TrialBench, options: TuneOptions) {
    this.#bench = bench;
    this.#options = options;
    this.#costs = options.state?.costs;
    this.#known = new Map((options.state?.trials ?? []).map((trial) => [keyOf(trial.recipe), trial]));
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
    const trial = this.#known.get(key) ?? (await this.#measured(what, recipe));
    this.#trials.push(trial);
    this.#options.onTrial?.(trial);
    await this.#save();
    return trial;
  }

  async #measureCosts(recipe: Recipe): Promise<OperatorCost[]> {
    this.#options.onNote?.(
      "measuring each operator: what its error does to the outputs, and its time in int8 and in float",
    );
    return this.#bench.costs(recipe);
  }

  async #measured(what: string, recipe: Recipe): Promise<TuneTrial> {
    const { trial, quantized } = await this.#bench.measure(what, recipe);
    this.#made.set(trial, quantized);
    return trial;
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

/** An operator that int8 saves nothing at is the first to be left in float; by this, in milliseconds, none divides by nothing. */
const LEAST_SAVING = 1e-4;

/** How many times as fast as the float model. */
function ratioOf({ milliseconds: [float, int8] }: TuneTrial): number {
  return float / int8;
}
