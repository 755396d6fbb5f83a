import type { BoltModel } from "../../bolt/model.ts";
import { rulesOf } from "../../bolt/rules.ts";
import type { BoltVersion } from "../../bolt/version.ts";
import { BoltqError } from "../../io/error.ts";
import { type InterfaceNames, interfaceNames } from "../../transform/bolt/keep-names.ts";
import { upgradeVersion } from "../../transform/bolt/upgrade-version.ts";

/** How a model is rewritten before anything is decided about it. */
export interface PrepareBoltOptions {
  /** `-b`: fold BatchNorm and Scale into weights, fuse activations. Default true. */
  readonly fuseBatchNorm?: boolean;
  /** Do what Bolt's tool does also where that is broken. Default false. */
  readonly asBolt?: boolean;
}

/** A float model after the rewrites, as it will be quantized. */
export interface PreparedBolt {
  readonly model: BoltModel;
  /** What inputs and outputs were called before. */
  readonly names: InterfaceNames;
}

/** What Bolt's newest tool writes, whatever it read. */
const NEWEST_RULES_VERSION: BoltVersion = 20220831;

/**
 * Rewrites a model made with X2bolt -i PTQ as the quantizer wants it (ModelSpecOptimizer::suggest_for_ptq, in order).
 * `model` is changed. Throws BoltqError `unsupported` when it is no float32 model.
 */
export async function prepareBolt(
  model: BoltModel,
  { fuseBatchNorm = true, asBolt = false }: PrepareBoltOptions = {},
): Promise<PreparedBolt> {
  if (model.dataType !== "F32") {
    throw new BoltqError("unsupported", `the model is of type ${model.dataType}, not float32`, {
      remedy: "Give a model made with X2bolt -i PTQ",
    });
  }
  upgradeVersion(model, rulesOf(model.version) === "1.3.0" ? model.version : NEWEST_RULES_VERSION);
  const names = interfaceNames(model);
  const { FUSIONS, padChannels } = await import("./rewrites.ts");
  for (const pass of [...(fuseBatchNorm ? FUSIONS : []), padChannels]) await pass(model, { asBolt });
  return { model, names };
}
