import type { BoltModel } from "../bolt/model.ts";
import { METHOD_NEEDS } from "../calibrate/find-range.ts";
import type { RangeMethod } from "../calibrate/range.ts";
import { modelInputs } from "../convert/model-inputs.ts";
import { openDataset } from "../data/node/open-dataset.ts";
import { BoltqError } from "../io/error.ts";
import { calibrateBolt } from "../quantize/bolt/calibrate.ts";
import { calibrateAsBolt } from "../quantize/bolt/calibrate-as-bolt.ts";
import type { QuantizeBoltOptions, QuantizedBolt } from "../quantize/bolt/quantize.ts";
import type { CommandFiles } from "./command-files.ts";
import { preprocessingOf } from "./data-options.ts";
import type { ParsedOptions } from "./getopt.ts";
import { progressBar } from "./progress.ts";

/** Quantizes and calibrates on the examples that the options name. */
export async function calibrate(
  model: BoltModel,
  settings: QuantizeBoltOptions,
  { values, long }: ParsedOptions,
  files: CommandFiles,
): Promise<QuantizedBolt> {
  const folder = values.get("d");
  if (folder === undefined) {
    throw new BoltqError("usage", "the examples to calibrate with are missing (-d FOLDER)", {
      remedy: "Give a folder of pictures or arrays, or leave out -o for dynamic int8",
    });
  }
  const dataset = await openDataset(folder, modelInputs(model), {
    preprocessing: preprocessingOf({ format: values.get("f") ?? "RGB", factor: multiplier(values.get("m") ?? "1") }),
  });
  for (const path of dataset.files ?? []) files.read(path);
  const bar = progressBar("calibrating");
  const options = {
    ...settings,
    onProgress: (done: number) => bar.update(done, dataset.length),
    onSkip: (name: string, reason: string) => process.stderr.write(`skipped: ${name} (${reason})\n`),
    onWarning: (warning: string) => process.stderr.write(`warning: ${warning}\n`),
  };
  try {
    if (settings.asBolt) return await calibrateAsBolt(model, dataset, options);
    const method = parseMethod(long.get("method"));
    return await calibrateBolt(model, dataset, { ...options, ...(method === undefined ? {} : { method }) });
  } finally {
    bar.end();
  }
}

function multiplier(word: string): number {
  const value = Number(word);
  if (Number.isFinite(value) && value !== 0) return value;
  throw new BoltqError("usage", `"${word}" is nothing to multiply pictures by (-m)`, {
    remedy: "Give a number, such as 0.017",
  });
}

function parseMethod(word: string | true | undefined): RangeMethod | undefined {
  if (word === undefined) return undefined;
  if (Object.hasOwn(METHOD_NEEDS, `${word}`)) return word as RangeMethod;
  throw new BoltqError("usage", `there is no method "${word}"`, {
    remedy: `Choose one of ${Object.keys(METHOD_NEEDS).join(", ")}`,
  });
}
