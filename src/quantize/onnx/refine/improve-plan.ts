import type { Statistics } from "../../../calibrate/statistics.ts";
import type { OnnxModel, OnnxValue } from "../../../onnx/model.ts";
import { loadRuntime } from "../../../runtime/load.ts";
import { equalizeChannels } from "../../../transform/onnx/equalize-channels.ts";
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
  readonly options: Pick<FitOptions, "runtime" | "signal" | "fitBiases" | "refitWeights"> & {
    readonly attempts?: readonly AccuracyStep["name"][] | undefined;
    readonly onFit?: FitOptions["onProgress"];
  };
}

/** Makes a plan better, step by step (see `improve`). The weights of `model` may change; the network gives the same. */
export async function improvePlan(
  model: OnnxModel,
  { plan, statistics, examples, replan, options }: ImproveTask,
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
  const equalize: Attempt["make"] = async ({ inputScalings = [] }) => {
    const seen = ({ name }: OnnxValue) => statistics.values.get(name);
    const equalized = await equalizeChannels(model, (value) => seen(value)?.channels?.magnitudes, {
      numbersOf: (value) => {
        const { numbers, channels } = seen(value) ?? {};
        return numbers === undefined ? undefined : numbers / (channels?.magnitudes.length ?? 1);
      },
    });
    if (equalized === undefined) return undefined;
    const { scalings, undo } = equalized;
    return { plan: { ...(await replan()), inputScalings, channelScalings: scalings }, undo };
  };
  const fit: Attempt["make"] = async (planned, fitted) => ({
    plan: await fitLayers(model, planned, fitted, { ...options, runtime, onProgress: options.onFit }),
  });
  const all: readonly Attempt[] = [
    { name: "balanced", make: balance },
    { name: "equalized", make: equalize },
    { name: "fitted", make: fit },
  ];
  const network = {
    plan,
    float: model,
    quantized: async (planned: Plan) => quantizedCopy(await bytesOf(model), planned),
    attempts: all.filter(({ name }) => options.attempts?.includes(name) ?? true),
  };
  return improve(network, examples, runtime);
}
