import type { Sample } from "../../data/dataset.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Plan } from "../plan.ts";
import { Judge } from "./judge.ts";
import type { SplitExamples } from "./split-examples.ts";

/** A step for accuracy: what it gave on examples that were held back. */
export interface AccuracyStep {
  readonly name: "plan" | "balanced" | "equalized" | "fitted" | "refilled";
  /** Signal to noise of the outputs, in dB. */
  readonly decibels: number;
  /** Whether it was kept. */
  readonly kept: boolean;
}

/** Something that may make a plan better. */
export interface Attempt {
  readonly name: AccuracyStep["name"];
  /** The plan afterwards; undefined: there is nothing to do. `undo` takes back what was changed about the float model's weights. */
  readonly make: (
    plan: Plan,
    examples: readonly Sample[],
  ) => Promise<{ readonly plan: Plan; readonly undo?: () => void | Promise<void> } | undefined>;
}

/** A planned network that can be made better. */
export interface Improvable {
  readonly plan: Plan;
  /** The float network, to be run. */
  readonly float: OnnxModel;
  /** The network quantized as planned, to be run. */
  readonly quantized: (plan: Plan) => Promise<OnnxModel>;
  /** In this order. */
  readonly attempts: readonly Attempt[];
}

export interface Improved {
  readonly plan: Plan;
  readonly steps: readonly AccuracyStep[];
}

/**
 * Makes a plan better, step by step. A step that does not help on examples that were held back is undone.
 */
export async function improve(
  network: Improvable,
  { fitted, judged }: SplitExamples,
  runtime: Runtime,
): Promise<Improved> {
  const judge = await Judge.of(network.float, judged, runtime);
  const measured = async (plan: Plan) => ({ plan, decibels: await judge.decibels(await network.quantized(plan)) });
  let best = await measured(network.plan);
  const steps: AccuracyStep[] = [{ name: "plan", decibels: best.decibels, kept: true }];
  for (const { name, make } of network.attempts) {
    // Channels are easily filled for a few examples alone; only others can tell.
    if (name !== "fitted" && judged === fitted) continue;
    const made = await make(best.plan, fitted);
    if (made === undefined) continue;
    const candidate = await measured(made.plan);
    const kept = candidate.decibels > best.decibels;
    steps.push({ name, decibels: candidate.decibels, kept });
    if (kept) best = candidate;
    else await made.undo?.();
  }
  return { plan: best.plan, steps };
}
