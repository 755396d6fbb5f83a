import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Command, Option } from "commander";
import type { Statistics } from "../calibrate/statistics.ts";
import { modelInputs } from "../convert/model-inputs.ts";
import type { Preprocessing } from "../data/preprocess/specification.ts";
import { METRICS, scriptMetric, type TuneMetric, top1Metric } from "../evaluate/tune/metrics.ts";
import { parseTuneState, printTuneState } from "../evaluate/tune/state.ts";
import type { TuneTrial } from "../evaluate/tune/trial-bench.ts";
import { type TuneObjective, type TuneResult, tuneOnnx } from "../evaluate/tune/tune.ts";
import { BoltqError } from "../io/error.ts";
import { writeWhole } from "../io/target.ts";
import { quantizeOnnx } from "../quantize/onnx/quantize-onnx.ts";
import type { Plan } from "../quantize/plan.ts";
import { bytesOf } from "../quantize/refine/partial-model.ts";
import { CommandFiles } from "./command-files.ts";
import {
  addDataOptions,
  type DataOptions,
  dataReads,
  openData,
  preprocessingOf,
  warnOfOneExample,
} from "./data-options.ts";
import { addLabelOptions, readLabels } from "./label-option.ts";
import { openModel } from "./model-argument.ts";
import { writeModelFile } from "./model-output.ts";
import { outputBeside, outputNamed } from "./output-argument.ts";
import { printJson, printLines, showBytes, table } from "./print.ts";
import { readText } from "./read-text.ts";
import { addRecipeOption, readRecipe } from "./recipe-option.ts";
import { addReportOption, checkReported } from "./report-option.ts";

interface Options extends DataOptions {
  readonly recipe: string;
  readonly output?: string;
  readonly saveRecipe?: string;
  readonly labels?: string;
  readonly labelOffset: number;
  readonly maxDrop: number;
  readonly metric?: string;
  readonly objective: TuneObjective;
  readonly resume?: string;
  readonly report?: string;
  readonly json?: boolean;
}

export function define(command: Command): void {
  const withData = addRecipeOption(
    addDataOptions(command.argument("<model>", "a float model, .onnx, .tflite or .caffemodel")),
  );
  const withOutputs = addReportOption(withData)
    .option("-o, --output <file.onnx>", "where to write the tuned model (default: beside the model, MODEL_tuned.onnx)")
    .option("--save-recipe <file.json>", "where to write the recipe that makes it again (default: OUTPUT.recipe.json)");
  addLabelOptions(withOutputs)
    .option("--max-drop <number>", "what may be lost, in per cent points of the metric", parseDrop, 0.5)
    .option(
      "--metric <word|script.mjs>",
      `top1 (default with labels), ${Object.keys(METRICS).join(", ")} (default: agreement), or a module whose default export scores one example's outputs from 0 to 1`,
    )
    .addOption(
      new Option("--objective <word>", "what is to be best within the limit")
        .choices(["speed", "size"])
        .default("speed"),
    )
    .option("--resume <file.json>", "keep what was tried there; go on from it if it is there")
    .option("--json", "print as JSON")
    .action(tune);
}

function parseDrop(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value >= 0) return value;
  throw new BoltqError("usage", `"${text}" is no limit`, { remedy: "Give per cent points from 0 on, such as 0.5" });
}

async function tune(path: string, options: Options): Promise<void> {
  const output = outputNamed(options.output ?? outputBeside(path, "tuned"), ".onnx");
  const recipeFile = options.saveRecipe ?? `${output.replace(/\.onnx$/, "")}.recipe.json`;
  checkReported(output, options.report);
  const files = new CommandFiles({
    reads: [path, options.recipe, options.labels, ...dataReads(options)],
    writes: [output, recipeFile, options.resume, options.preview, options.report],
  });
  const model = await openModel(path, files);
  if (model.format !== "onnx") {
    throw new BoltqError("usage", "models are tuned before they become .bolt: give the ONNX model", { file: path });
  }
  const dataset = await openData(options, modelInputs(model), files, path);
  const metric = await metricOf(options, dataset.names);
  warnOfOneExample(dataset);
  const bytes = await bytesOf(model);
  const key = keyOf(bytes, dataset.names, preprocessingOf(options, path), options);
  const print = (line: string) => process.stderr.write(`${line}\n`);
  print(
    `tuning to ${options.objective}: at most ${options.maxDrop} % of ${metric.name} lost on ${dataset.length} examples`,
  );
  const result = await tuneOnnx(bytes, {
    dataset,
    metric,
    maxDrop: options.maxDrop,
    objective: options.objective,
    recipe: readRecipe(options.recipe),
    name: path,
    state:
      options.resume !== undefined && existsSync(options.resume)
        ? parseTuneState(readText(options.resume), options.resume, key)
        : undefined,
    onState: async (state) => {
      if (options.resume !== undefined) await writeText(options.resume, printTuneState(state, key), files);
    },
    onTrial: (trial) => print(describeTrial(trial)),
    onNote: print,
  });
  const { best } = result;
  const quantized = result.quantized ?? (await quantizeOnnx(model, { recipe: best.recipe, dataset }));
  const written = await writeModelFile(quantized.model, output, files, undefined);
  await writeText(recipeFile, `${JSON.stringify(best.recipe, null, 2)}\n`, files);
  if (options.report !== undefined) await report(path, output, result, quantized, dataset, options, files);
  const all = [...written, recipeFile, ...(options.report === undefined ? [] : [options.report])];
  if (options.json) printJson({ best, trials: result.trials, costs: result.costs, written: all });
  else printLines([...describeResult(best, result, files.bytesOf(path)), ...all.map((file) => `wrote ${file}`)]);
}

async function report(
  path: string,
  output: string,
  { best, trials }: TuneResult,
  { plan, statistics }: { readonly plan: Plan; readonly statistics?: Statistics },
  dataset: Awaited<ReturnType<typeof openData>>,
  options: Options,
  files: CommandFiles,
): Promise<void> {
  const { reportModel } = await import("./write-report.ts");
  const shown = trials.map((trial) => ({ what: trial.what, result: resultOf(trial), taken: trial === best }));
  const data = { dataset, preprocessing: preprocessingOf(options, path) };
  const made = { path: options.report!, program: "boltq", args: process.argv.slice(2), source: path, result: output };
  await reportModel({ ...made, plan, statistics, recipe: best.recipe, data, trials: shown }, files);
}

async function writeText(path: string, text: string, files: CommandFiles): Promise<void> {
  const target = files.target(path);
  await writeWhole(target, () => target.write(new TextEncoder().encode(text)));
}

/** What must be the same for trials of an earlier run to hold. */
function keyOf(bytes: Uint8Array, names: readonly string[], preprocessing: Preprocessing, options: Options): string {
  const { labels, labelOffset, metric, recipe } = options;
  const said = [names, preprocessing, options.size, labels, labelOffset, metric, readRecipe(recipe)];
  return createHash("sha256").update(bytes).update(JSON.stringify(said)).digest("hex");
}

async function metricOf({ metric, labels, labelOffset }: Options, names: readonly string[]): Promise<TuneMetric> {
  const word = metric ?? (labels === undefined ? "agreement" : "top1");
  if (word === "top1") {
    if (labels !== undefined) return top1Metric(readLabels(labels, names), labelOffset);
    throw new BoltqError("usage", "top1 needs the right classes (--labels FILE.csv)", {
      remedy: "Give them, or leave --metric out to keep agreement with the float model",
    });
  }
  if (Object.hasOwn(METRICS, word)) return METRICS[word]!;
  if (existsSync(word)) return ownMetric(word);
  throw new BoltqError("usage", `there is no metric "${word}"`, {
    remedy: `Choose one of top1, ${Object.keys(METRICS).join(", ")}, or give a script (.mjs)`,
  });
}

async function ownMetric(path: string): Promise<TuneMetric> {
  try {
    const module: { readonly default?: unknown } = await import(pathToFileURL(resolve(path)).href);
    if (typeof module.default === "function")
      return scriptMetric(path, module.default as Parameters<typeof scriptMetric>[1]);
  } catch (error) {
    throw new BoltqError(
      "usage",
      `the script does not load: ${error instanceof Error ? error.message : String(error)}`,
      {
        file: path,
      },
    );
  }
  throw new BoltqError("usage", "the script has no function as its default export", {
    file: path,
    remedy: "Write: export default (outputs, sample) => number from 0 to 1",
  });
}

function resultOf({ drop, expected, milliseconds: [float, int8], bytes, operators }: TuneTrial): string {
  const more = expected === drop ? "" : ` (${expected.toFixed(3)} % expected on others)`;
  return `${drop.toFixed(3)} % lost${more}, ${int8.toFixed(2)} ms (${(float / int8).toFixed(2)}x), ${showBytes(bytes)}, ${operators} operators in int8`;
}

function describeTrial(trial: TuneTrial): string {
  return `tried: ${trial.what}: ${resultOf(trial)}`;
}

function describeResult(best: TuneTrial, { trials, costs }: TuneResult, before: number): string[] {
  const show = (value: number | undefined) => (value === undefined ? "" : value.toFixed(3));
  const worst = costs.toSorted((one, other) => other.noise - one.noise).slice(0, 5);
  return [
    "operators whose error the outputs feel most:",
    ...table(
      ["operator", "outputs, dB", "float, ms", "int8, ms"],
      worst.map(({ name, noise, float, int8 }) => [
        name,
        (-10 * Math.log10(noise || Number.MIN_VALUE)).toFixed(1),
        show(float),
        show(int8),
      ]),
    ),
    "",
    `${trials.length} trials; taken: ${best.what}`,
    ...(best.operators === 0
      ? ["no int8 model that was tried is within the limit and better: the float model stays"]
      : []),
    `${resultOf(best)} (float: ${best.milliseconds[0].toFixed(2)} ms, ${showBytes(before)})`,
  ];
}
