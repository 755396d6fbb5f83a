import type { Statistics } from "../../calibrate/statistics.ts";
import type { Dataset } from "../../data/dataset.ts";
import { memorySource } from "../../io/bytes.ts";
import { readOnnx } from "../../onnx/read.ts";
import { planObservation } from "../../quantize/onnx/observation.ts";
import { type QuantizedOnnx, quantizeOnnx } from "../../quantize/onnx/quantize-onnx.ts";
import type { Recipe } from "../../quantize/recipe.ts";
import { bytesOf } from "../../quantize/refine/partial-model.ts";
import { fitInputs } from "../../runtime/fit-inputs.ts";
import type { Runtime, Session } from "../../runtime/runtime.ts";
import { Times } from "../times.ts";
import { keptInMemory } from "./kept-examples.ts";
import { type Measured, measureOutputs } from "./measured-outputs.ts";
import { DECIBELS, type TuneMetric } from "./metrics.ts";
import { measureCosts, type OperatorCost } from "./operator-costs.ts";
import { hasSeen, joined } from "./seen-statistics.ts";

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

/** Runs of which the median is a model's time. */
const TIMED_RUNS = 15;

/** What trials are made and measured with. */
export interface BenchOptions {
  readonly dataset: Dataset;
  readonly metric: TuneMetric;
  readonly runtime: Runtime;
  readonly name?: string | undefined;
}

/** Makes and measures trials of one float model, which stays open beside them. */
export class TrialBench {
  readonly #bytes: Uint8Array;
  readonly #options: BenchOptions;
  readonly #float: Session;
  readonly #measured: Measured;
  /** What was seen of the float model's values: the same for all recipes that calibrate on all examples. */
  #statistics: Statistics | undefined;

  private constructor(bytes: Uint8Array, options: BenchOptions, float: Session, measured: Measured) {
    this.#bytes = bytes;
    this.#options = options;
    this.#float = float;
    this.#measured = measured;
  }

  /** Opens the float model `bytes` and runs it on all examples. */
  static async open(bytes: Uint8Array, options: BenchOptions): Promise<TrialBench> {
    const dataset = await keptInMemory(options.dataset);
    const float = await options.runtime.createSession(bytes, { threads: 1, name: options.name });
    try {
      return new TrialBench(
        bytes,
        { ...options, dataset },
        float,
        await measureOutputs(float, dataset, options.metric),
      );
    } catch (error) {
      await float.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#float.close();
  }

  /** Quantizes as the recipe says, and measures what comes of it. */
  async measure(
    what: string,
    recipe: Recipe,
  ): Promise<{ readonly trial: TuneTrial; readonly quantized: QuantizedOnnx }> {
    const { runtime, metric, dataset } = this.#options;
    const began = performance.now();
    const quantized = await this.#quantize(recipe);
    const file = await bytesOf(quantized.model);
    const session = await runtime.createSession(file, { threads: 1 });
    try {
      const { kept, sampled } = await measureOutputs(session, dataset, metric);
      const trial = {
        what,
        recipe,
        operators: quantized.plan.operators.filter(({ precision }) => precision === "int8").length,
        drop: metric.drop(kept, this.#measured.kept),
        expected: (metric.expected ?? metric.drop)(kept, this.#measured.kept),
        noise: DECIBELS.drop(sampled, this.#measured.sampled) / 100,
        milliseconds: await this.#race(session),
        bytes: file.length,
        seconds: (performance.now() - began) / 1000,
      };
      return { trial, quantized };
    } finally {
      await session.close();
    }
  }

  /** What each operator costs that the recipe has in int8. */
  async costs(recipe: Recipe): Promise<OperatorCost[]> {
    const { dataset: examples, runtime } = this.#options;
    return measureCosts(this.#bytes, await this.#quantize(recipe), { examples, first: this.#measured.first, runtime });
  }

  async #quantize(recipe: Recipe): Promise<QuantizedOnnx> {
    const { runtime } = this.#options;
    const model = await readOnnx(memorySource(this.#bytes));
    // Fitted models are calibrated on other examples than they are judged by.
    if (recipe.effort !== "fast") return quantizeOnnx(model, { recipe, dataset: this.#options.dataset, runtime });
    const statistics = await this.#seen(recipe);
    const quantized = await quantizeOnnx(model, { recipe, dataset: this.#options.dataset, statistics, runtime });
    this.#statistics = joined(this.#statistics, quantized.statistics);
    return quantized;
  }

  /** What was seen in other trials, where it is all that this one needs. */
  async #seen(recipe: Recipe): Promise<Statistics | undefined> {
    if (this.#statistics === undefined) return undefined;
    const { needs } = await planObservation(await readOnnx(memorySource(this.#bytes)), recipe);
    return hasSeen(this.#statistics, needs) ? this.#statistics : undefined;
  }

  async #race(session: Session): Promise<[number, number]> {
    const sessions = [this.#float, session] as const;
    const { inputs } = this.#measured.first;
    const feeds = [fitInputs(this.#float.inputs, inputs), fitInputs(session.inputs, inputs)] as const;
    const times = new Times();
    for (let run = 0; run < TIMED_RUNS; run++) await times.measure(sessions, feeds);
    return times.medians()!;
  }
}
