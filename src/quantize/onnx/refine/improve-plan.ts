import type { Statistics } from "../../../calibrate/statistics.ts";
import type { Sample } from "../../../data/dataset.ts";
import type { OnnxModel, OnnxValue } from "../../../onnx/model.ts";
import { loadRuntime } from "../../../runtime/load.ts";
import { equalizeChannels, type ScaledChannels, scaleChannels } from "../../../transform/onnx/equalize-channels.ts";
import { scaleInputs } from "../../../transform/onnx/scale-inputs.ts";
import type { Plan } from "../../plan.ts";
import { type AccuracyStep, type Attempt, type Improved, improve } from "../../refine/improve.ts";
import { bytesOf } from "../../refine/partial-model.ts";
import type { SplitExamples } from "../../refine/split-examples.ts";
import { balancedInputs } from "./balanced-inputs.ts";
import { type FitOptions, fitLayers } from "./fit-layers.ts";
import { quantizedCopy } from "./partial-model.ts";

/** A plan to be made better, and what that takes. */
export interface ImproveTask {
  readonly plan: Plan;
  /** What the plan was made of. */
  readonly statistics: Statistics;
  readonly examples: SplitExamples;
  /** Observes and plans the model anew, after its weights have changed. */
  readonly replan: () => Promise<Plan>;
  /** Whether channels are filled less and more as well, and layers fitted each time. Default false. */
  readonly thorough?: boolean;
  readonly options: Pick<FitOptions, "runtime" | "signal" | "fitBiases" | "refitWeights"> & {
    readonly attempts?: readonly AccuracyStep["name"][] | undefined;
    readonly onFit?: FitOptions["onProgress"];
  };
}

/** How far channels are filled: see `EqualizeOptions.filling`. */
const FILLING = 0.5;

/** What else is tried where time does not matter. */
const OTHER_FILLINGS = [FILLING, 0, 0.25];

/** Makes a plan better, step by step (see `improve`). The weights of `model` may change; the network gives the same. */
export async function improvePlan(
  model: OnnxModel,
  { plan, statistics, examples, replan, thorough = false, options }: ImproveTask,
): Promise<Improved> {
  const runtime = options.runtime ?? (await loadRuntime());
  const balance: Attempt["make"] = async (planned) => {
    const inputScalings = await balancedInputs(model, planned, statistics, examples.calibrated, {
      ...options,
      runtime,
    });
    if (inputScalings.length === 0) return undefined;
    const undo = await scaleInputs(model, inputScalings);
    return { plan: { ...(await replan()), inputScalings }, undo };
  };
  const seen = ({ name }: OnnxValue) => statistics.values.get(name);
  const numbersOf = (value: OnnxValue) => {
    const { numbers, channels } = seen(value) ?? {};
    return numbers === undefined ? undefined : numbers / (channels?.magnitudes.length ?? 1);
  };
  let scaled: ScaledChannels | undefined;
  /** Fills channels so far, instead of what was done before. */
  const fill = async ({ inputScalings = [] }: Plan, filling: number) => {
    const before = scaled;
    before?.undo();
    const magnitudesOf = (value: OnnxValue) => seen(value)?.channels?.magnitudes;
    scaled = filling === 0 ? undefined : await equalizeChannels(model, magnitudesOf, { filling, numbersOf });
    if (scaled === before) return undefined;
    const undo = async () => {
      scaled?.undo();
      scaled = before && { ...before, undo: await scaleChannels(model, before.scalings) };
    };
    const channelScalings = scaled?.scalings ?? [];
    return { plan: { ...(await replan()), inputScalings, channelScalings }, undo };
  };
  const fitAll = (planned: Plan, fitted: readonly Sample[]) =>
    fitLayers(model, planned, fitted, { ...options, runtime, onProgress: options.onFit });
  /** How far channels were filled when layers were fitted. */
  const fittedFillings = new Set<number>();
  const refill = (filling: number): Attempt => ({
    name: "refilled",
    make: async (planned, fitted) => {
      if (fittedFillings.has(filling)) return undefined;
      const filled = await fill(planned, filling);
      return filled && { ...filled, plan: await fitAll(filled.plan, fitted) };
    },
  });
  const all: readonly Attempt[] = [
    { name: "balanced", make: balance },
    { name: "equalized", make: (planned) => fill(planned, FILLING) },
    {
      name: "fitted",
      make: async (planned, fitted) => {
        fittedFillings.add(scaled === undefined ? 0 : FILLING);
        return { plan: await fitAll(planned, fitted) };
      },
    },
    ...(thorough ? OTHER_FILLINGS.map(refill) : []),
  ];
  const network = {
    plan,
    float: model,
    quantized: async (planned: Plan) => quantizedCopy(await bytesOf(model), planned),
    attempts: all.filter(({ name }) => options.attempts?.includes(name) ?? true),
  };
  return improve(network, examples, runtime);
}
