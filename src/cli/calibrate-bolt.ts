import type { BoltModel } from "../bolt/model.ts";
import { METHOD_NEEDS } from "../calibrate/find-range.ts";
import type { RangeMethod } from "../calibrate/range.ts";
import type { Model } from "../convert/model-file.ts";
import { modelInputs } from "../convert/model-inputs.ts";
import type { Dataset } from "../data/dataset.ts";
import { openDataset } from "../data/node/open-dataset.ts";
import { BoltqError } from "../io/error.ts";
import { calibrateBolt } from "../quantize/bolt/calibrate.ts";
import { calibrateAsBolt } from "../quantize/bolt/calibrate-as-bolt.ts";
import type { QuantizeBoltOptions, QuantizedBolt } from "../quantize/bolt/quantize.ts";
import { type QuantizeBestOptions, quantizeBoltBest } from "../quantize/bolt/refine/quantize-best.ts";
import { describeStep } from "../report/describe-step.ts";
import type { CommandFiles } from "./command-files.ts";
import { preprocessingOf } from "./data-options.ts";
import { type ParsedOptions, parsed } from "./getopt.ts";
import { progressBar } from "./progress.ts";

/** Quantizes with the examples that the options name: calibrates (-o true), seeks accuracy (--accuracy best), or both. */
export async function quantizeWithData(
  model: BoltModel,
  settings: QuantizeBoltOptions,
  { values }: ParsedOptions,
  files: CommandFiles,
): Promise<QuantizedBolt> {
  const folder = values.get("d");
  if (folder === undefined) {
    throw new BoltqError("usage", "the examples to calibrate with are missing (-d FOLDER)", {
      remedy: "Give a folder of pictures or arrays, or leave out -o and --accuracy for dynamic int8",
    });
  }
  const { dataset } = await openExamples(folder, model, values);
  for (const path of dataset.files ?? []) files.read(path);
  const bar = progressBar("calibrating");
  const fitting = progressBar("fitting layers");
  const options = {
    ...settings,
    onProgress: (done: number) => bar.update(done, dataset.length),
    onSkip: (name: string, reason: string) => process.stderr.write(`skipped: ${name} (${reason})\n`),
    onWarning: (warning: string) => process.stderr.write(`warning: ${warning}\n`),
  };
  const calibration = { ...options, method: parsed(values.get("method"), parseMethod) };
  const isStatic = values.get("o") === "true";
  try {
    if (seeksAccuracy(values))
      return await best(model, dataset, { ...calibration, static: isStatic, onFit: fitting.update });
    if (settings.asBolt) return await calibrateAsBolt(model, dataset, options);
    return await calibrateBolt(model, dataset, calibration);
  } finally {
    bar.end();
    fitting.end();
  }
}

/** The examples of a folder (-d), made inputs as -f and -m say. */
export async function openExamples(folder: string, model: Model, values: ParsedOptions["values"]) {
  const preprocessing = preprocessingOf({
    format: values.get("f") ?? "RGB",
    factor: multiplier(values.get("m") ?? "1"),
  });
  return { dataset: await openDataset(folder, modelInputs(model), { preprocessing }), preprocessing };
}

/** Whether accuracy is to be sought on the examples. Throws BoltqError `usage` for another word than "best". */
function seeksAccuracy(values: ParsedOptions["values"]): boolean {
  const word = values.get("accuracy");
  if (word === undefined || word === "best") return word !== undefined;
  throw new BoltqError("usage", `there is no accuracy "${word}"`, { remedy: "Give --accuracy best, or leave it out" });
}

async function best(model: BoltModel, dataset: Dataset, options: QuantizeBestOptions): Promise<QuantizedBolt> {
  const quantized = await quantizeBoltBest(model, dataset, options);
  for (const step of quantized.steps) process.stderr.write(`accuracy: ${describeStep(step)}\n`);
  return quantized;
}

function multiplier(word: string): number {
  const value = Number(word);
  if (Number.isFinite(value) && value !== 0) return value;
  throw new BoltqError("usage", `"${word}" is nothing to multiply pictures by (-m)`, {
    remedy: "Give a number, such as 0.017",
  });
}

function parseMethod(word: string): RangeMethod {
  if (Object.hasOwn(METHOD_NEEDS, word)) return word as RangeMethod;
  throw new BoltqError("usage", `there is no method "${word}"`, {
    remedy: `Choose one of ${Object.keys(METHOD_NEEDS).join(", ")}`,
  });
}
