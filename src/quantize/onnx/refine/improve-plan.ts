import type { Statistics } from "../../../calibrate/statistics.ts";
import type { Dataset, Sample } from "../../../data/dataset.ts";
import type { OnnxModel } from "../../../onnx/model.ts";
import { loadRuntime } from "../../../runtime/load.ts";
import { equalizeChannels } from "../../../transform/onnx/equalize-channels.ts";
import type { Plan } from "../../plan.ts";
import { type FitOptions, fitLayers } from "./fit-layers.ts";
import { Judge } from "./judge.ts";

/** A step for accuracy: what it gave on examples that were held back. */
export interface AccuracyStep {
  readonly name: "plan" | "equalized" | "fitted";
  /** Signal to noise of the outputs, in dB. */
  readonly decibels: number;
  /** Whether it was kept. */
  readonly kept: boolean;
}

/** A plan to be made better, and what that takes. */
export interface ImproveTask {
  readonly plan: Plan;
  /** What the plan was made of. */
  readonly statistics: Statistics;
  readonly dataset: Dataset;
  /** Observes the model anew, after its weights have changed. */
  readonly observe: () => Promise<Statistics>;
  readonly planOf: (statistics: Statistics) => Promise<Plan>;
  readonly options: Pick<FitOptions, "runtime" | "signal" | "fitBiases"> & {
    readonly onFit?: FitOptions["onProgress"];
  };
}

/** Most examples that are used; more say little more. */
const MOST_EXAMPLES = 128;

/** Of so many examples one is held back, to judge by. */
const HELD_BACK = 5;

/**
 * Makes a plan better, step by step: channels are equalized, then the layers are fitted. A step that does not help on examples
 * that were held back is undone. The weights of `model` may change; the network gives the same.
 */
export async function improvePlan(
  model: OnnxModel,
  { plan, statistics, dataset, observe, planOf, options }: ImproveTask,
): Promise<{ readonly plan: Plan; readonly steps: readonly AccuracyStep[] }> {
  const runtime = options.runtime ?? (await loadRuntime());
  const examples = await examplesOf(dataset);
  const few = examples.length < 2 * HELD_BACK;
  const judge = await Judge.of(model, few ? examples : examples.filter((_, index) => index % HELD_BACK === 2), runtime);
  const steps: AccuracyStep[] = [];
  let best = { plan, decibels: await judge.decibels(model, plan) };
  const take = (name: AccuracyStep["name"], candidate: typeof best): boolean => {
    const kept = name === "plan" || candidate.decibels > best.decibels;
    steps.push({ name, decibels: candidate.decibels, kept });
    if (kept) best = candidate;
    return kept;
  };
  take("plan", best);
  const undo = await equalizeChannels(model, ({ name }) => statistics.values.get(name)?.channels?.magnitudes);
  if (undo !== undefined) {
    const equalized = await planOf(await observe());
    if (!take("equalized", { plan: equalized, decibels: await judge.decibels(model, equalized) })) undo();
  }
  const training = few ? examples : examples.filter((_, index) => index % HELD_BACK !== 2);
  const fitted = await fitLayers(model, best.plan, training, { ...options, runtime, onProgress: options.onFit });
  take("fitted", { plan: fitted, decibels: await judge.decibels(model, fitted) });
  return { plan: best.plan, steps };
}

async function examplesOf(dataset: Dataset): Promise<Sample[]> {
  const every = Math.max(1, Math.ceil(dataset.length / MOST_EXAMPLES));
  const examples: Sample[] = [];
  let place = 0;
  for await (const sample of dataset.samples()) if (place++ % every === 0) examples.push(sample);
  return examples;
}
