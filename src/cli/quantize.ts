import { type Command, Option } from "commander";
import { METHOD_NEEDS } from "../calibrate/find-range.ts";
import { statisticsOf } from "../calibrate/observations.ts";
import type { RangeMethod } from "../calibrate/range.ts";
import { modelInputs } from "../convert/model-inputs.ts";
import { BoltqError } from "../io/error.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { type Effort, quantizeOnnx, quantizeOnnxAsPlanned } from "../quantize/onnx/quantize-onnx.ts";
import { type RuntimeTarget, TARGET_NAMES } from "../quantize/onnx/targets.ts";
import { TRANSFORMERS_DTYPES } from "../quantize/onnx/transformers-dtypes.ts";
import { parseScaleTable } from "../quantize/parse-scale-table.ts";
import { parsePlan } from "../quantize/plan-file.ts";
import type { Recipe } from "../quantize/recipe.ts";
import { describeStep } from "../report/describe-step.ts";
import { summarizePlan } from "../report/summarize-plan.ts";
import { CommandFiles } from "./command-files.ts";
import {
  addDataOptions,
  type DataOptions,
  dataReads,
  openData,
  preprocessingOf,
  reopenData,
  warnOfOneExample,
} from "./data-options.ts";
import { openModel } from "./model-argument.ts";
import { EXTERNAL_DATA_OPTION, writeModelFile } from "./model-output.ts";
import { outputBeside, outputNamed } from "./output-argument.ts";
import { printLines } from "./print.ts";
import { printPlan } from "./print-plan.ts";
import { printWarnings } from "./print-warnings.ts";
import { progressBar } from "./progress.ts";
import { readText } from "./read-text.ts";
import { addRecipeOption, readRecipe } from "./recipe-option.ts";
import { addReportOption, checkReported } from "./report-option.ts";
import { describeSizes } from "./size-change.ts";
import { readStatistics } from "./statistics-file.ts";

interface Options extends Partial<DataOptions> {
  readonly output?: string;
  readonly recipe: string;
  readonly for: RuntimeTarget;
  readonly method?: RangeMethod;
  readonly perTensor?: boolean;
  readonly table?: string;
  readonly stats?: string;
  readonly plan?: string;
  readonly effort?: Effort;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly report?: string;
  readonly externalData?: boolean;
}

const DTYPES = Object.keys(TRANSFORMERS_DTYPES);

export function define(command: Command): void {
  addReportOption(
    addRecipeOption(
      addDataOptions(command.argument("<model>", "a float model, .onnx, .tflite, .pb or .caffemodel"), {
        required: false,
      }),
    ),
  )
    .option(
      "-o, --output <file.onnx>",
      "where to write (default: beside the model, MODEL_RECIPE.onnx); with --for transformers.js the folder for a file of each dtype",
    )
    .option("--dtypes <list>", `with --for transformers.js: which to write, of ${DTYPES.join(",")} (default: all)`)
    .addOption(
      new Option("--for <target>", "what shall run the model: it says in which form weights are stored")
        .choices(TARGET_NAMES)
        .default("ort"),
    )
    .addOption(
      new Option("--method <word>", "how the ranges of activations are found (default: as the recipe says)").choices(
        Object.keys(METHOD_NEEDS),
      ),
    )
    .option("--per-tensor", "one scale for each weight instead of one for each channel")
    .option("--table <file.json>", "clip values (a scale table) that take the place of what is observed")
    .option("--stats <file.json>", "statistics of this model, as boltq calibrate writes them, instead of data")
    .option("--plan <file.json>", "do what this plan says: one made with --dry-run --json, perhaps edited")
    .option(...EXTERNAL_DATA_OPTION)
    .addOption(
      new Option(
        "--effort <word>",
        "fast: one pass over the data; default: fit weights and biases layer by layer too; max: with channels equalized in several ways, three times as long",
      ).choices(["fast", "default", "max"]),
    )
    .option("--dry-run", "write nothing; print what would be done to every operator, value and weight, and why")
    .option("--json", "print as JSON")
    .action(quantize);
}

/** transformers.js takes a folder of files; a single one may still be asked for by its name. */
function asksForSet({ for: target, output, dryRun }: Options): boolean {
  return target === "transformers.js" && dryRun !== true && output?.endsWith(".onnx") !== true;
}

async function quantize(path: string, options: Options): Promise<void> {
  if (asksForSet(options)) return (await import("./quantize-set.ts")).quantizeSet(path, options);
  const output = options.dryRun
    ? undefined
    : outputNamed(options.output ?? outputBeside(path, options.recipe), ".onnx");
  checkReported(output, options.report);
  const files = new CommandFiles({
    reads: [path, options.recipe, options.stats, options.table, options.plan, ...dataReads(options)],
    writes: [output, options.preview, output === undefined ? undefined : options.report],
  });
  const model = await openModel(path, files);
  if (model.format !== "onnx") {
    throw new BoltqError("usage", "a .bolt model is quantized by post_training_quantization", { file: path });
  }
  const { plan, steps = [], statistics } = await quantizeWithProgress(model, path, options, files);
  for (const note of plan.notes) process.stderr.write(`note: ${note}\n`);
  printWarnings(plan.warnings);
  for (const step of steps) process.stderr.write(`accuracy: ${describeStep(step)}\n`);
  const modelFiles =
    output === undefined ? [] : await writeModelFile(model, output, files, { always: options.externalData });
  const written = [...modelFiles];
  if (output !== undefined && options.report !== undefined) {
    const { reportModel } = await import("./write-report.ts");
    const recipe = options.plan === undefined ? recipeOf(options) : undefined;
    const data = await reportData(path, options);
    const made = { path: options.report, program: "boltq", args: process.argv.slice(2), source: path, result: output };
    await reportModel({ ...made, plan, statistics, recipe, data }, files);
    written.push(options.report);
  }
  if (options.json || output === undefined) printPlan(plan, options.json ?? false);
  else
    printLines([
      ...summarizePlan(plan),
      ...describeSizes(files.bytesOf(path), modelFiles, SMALLER),
      ...written.map((file) => `wrote ${file}`),
    ]);
}

/** The examples once more, to compare both models on. */
async function reportData(path: string, { data, ...options }: Options) {
  if (data === undefined) return undefined;
  const inputs = modelInputs(await openModel(path));
  const dataset = await reopenData({ ...options, data }, inputs, path);
  return { dataset, preprocessing: preprocessingOf(options, path) };
}

const SMALLER = "Scales and Q/DQ take more than int8 weights save: keep the float file, or try --per-tensor";

async function quantizeWithProgress(
  model: OnnxModel,
  path: string,
  options: Options,
  files: CommandFiles,
): Promise<Awaited<ReturnType<typeof quantizeOnnx>>> {
  const { data, plan, stats, table } = options;
  if (plan !== undefined) return quantizeOnnxAsPlanned(model, parsePlan(readText(plan), plan));
  const recipe = recipeOf(options);
  const dataset =
    data === undefined ? undefined : await openData({ ...options, data }, modelInputs(model), files, path);
  if (dataset !== undefined) warnOfOneExample(dataset);
  const bar = progressBar("calibrating");
  const fitting = progressBar("fitting layers");
  return quantizeOnnx(model, {
    name: path,
    recipe,
    target: options.for,
    planOnly: options.dryRun ?? false,
    onProgress: (done) => bar.update(done, dataset?.length ?? done),
    effort: options.effort,
    onFit: (done, all) => fitting.update(done, all),
    onSkip: (name, reason) => process.stderr.write(`skipped: ${name} (${reason})\n`),
    onWarning: (warning) => process.stderr.write(`warning: ${warning}\n`),
    dataset,
    statistics: stats === undefined ? undefined : statisticsOf(await readStatistics(stats, path, files)),
    table: table === undefined ? undefined : parseScaleTable(readText(table), table),
    tableFile: table,
  }).finally(() => fitting.end());
}

/** The recipe with the options' settings on top; its rules still win. */
function recipeOf({ recipe: word, method, perTensor }: Options): Recipe {
  const recipe = readRecipe(word);
  return {
    ...recipe,
    activations: { ...recipe.activations, ...(method === undefined ? {} : { method }) },
    weights: { ...recipe.weights, ...(perTensor ? { granularity: "per-tensor" } : {}) },
  };
}
