import type { Sample } from "../../data/dataset.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Plan } from "../plan.ts";
import { Judge } from "./judge.ts";
import type { SplitExamples } from "./split-examples.ts";

/** A step for accuracy: what it gave on examples that were held back. */
export interface AccuracyStep {
  readonly name: "plan" | "equalized" | "fitted";
  /** Signal to noise of the outputs, in dB. */
  readonly decibels: number;
  /** Whether it was kept. */
  readonly kept: boolean;
}

/** A change of the float model's weights, and the plan for it. */
export interface Equalized {
  readonly plan: Plan;
  readonly undo: () => void;
}

/** A planned network that can be made better. */
export interface Improvable {
  readonly plan: Plan;
  /** The float network, to be run. */
  readonly float: OnnxModel;
  /** The network quantized as planned, to be run. */
  readonly quantized: (plan: Plan) => Promise<OnnxModel>;
  /** Ways to equalize its channels; each finds the float network as it was. undefined: there is nothing to scale. */
  readonly equalize: readonly (() => Promise<Equalized | undefined>)[];
  readonly fit: (plan: Plan, examples: readonly Sample[]) => Promise<Plan>;
}

export interface Improved {
  readonly plan: Plan;
  readonly steps: readonly AccuracyStep[];
}

/**
 * Makes a plan better, step by step: channels are equalized, then the layers are fitted. A step that does not help on examples
 * that were held back is undone.
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
  const take = (name: AccuracyStep["name"], candidate: typeof best): boolean => {
    const kept = candidate.decibels > best.decibels;
    steps.push({ name, decibels: candidate.decibels, kept });
    if (kept) best = candidate;
    return kept;
  };
  // Channels are easily filled for a few examples alone; only others can tell.
  for (const equalize of judged === fitted ? [] : network.equalize) {
    const equalized = await equalize();
    if (equalized === undefined) continue;
    if (take("equalized", await measured(equalized.plan))) break;
    equalized.undo();
  }
  take("fitted", await measured(await network.fit(best.plan, fitted)));
  return { plan: best.plan, steps };
}
