import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import type { BoltModel } from "../bolt/model.ts";
import { readBolt } from "../bolt/read.ts";
import { writeBolt } from "../bolt/write.ts";
import { METHOD_NEEDS } from "../calibrate/find-range.ts";
import { BOLT_IMAGE_FORMATS } from "../data/preprocess/bolt-formats.ts";
import type { Source } from "../io/bytes.ts";
import { BoltqError } from "../io/error.ts";
import { fileSource } from "../io/node/file-source.ts";
import { writeWhole } from "../io/target.ts";
import { shareWork } from "../quantize/bolt/node/shared-work.ts";
import {
  type QuantizeBoltOptions,
  type QuantizedBolt,
  quantizeAsPlanned,
  quantizeBolt,
} from "../quantize/bolt/quantize.ts";
import { parseInference, parseStorage } from "../quantize/bolt/recipe.ts";
import type { WeightWork } from "../quantize/bolt/weight-work.ts";
import { parseScaleTable } from "../quantize/parse-scale-table.ts";
import { parsePlan } from "../quantize/plan-file.ts";
import { summarizePlan } from "../report/summarize-plan.ts";
import { summarizeModel } from "../report/summary.ts";
import { upgradeVersion } from "../transform/bolt/upgrade-version.ts";
import { parseBoltVersion } from "./bolt-options.ts";
import { CommandFiles } from "./command-files.ts";
import { describeModel } from "./describe-model.ts";
import { type ParsedOptions, parsed, parseGetopt } from "./getopt.ts";
import { openModel } from "./model-argument.ts";
import { printLines } from "./print.ts";
import { printPlan } from "./print-plan.ts";
import { printWarnings } from "./print-warnings.ts";
import { readText } from "./read-text.ts";
import { readRecipe } from "./recipe-option.ts";
import { checkReported } from "./report-option.ts";
import { describeSizes } from "./size-change.ts";

const HELP = `post_training_quantization: quantizes a model made with X2bolt -i PTQ

usage: post_training_quantization -p NAME_ptq_input.bolt [options]

  -p MODEL   the model; its name must contain ptq_input.bolt
  -i WORD    inference precision: INT8_FP16 (default), INT8_FP32, INT8, INT4, FP16 or FP32
             INT8_FP16 and INT8_FP32 compute what is not quantized in float16 or float32;
             INT8_FP16 and FP16 run only where the processor has float16 arithmetic: Armv8.2
  -q WORD    storage of the weights: NOQUANT, FP16, INT8, INT4, FP32 or MIX
             (default: as they are computed, MIX for INT8_*; in files of Bolt 1.3.0: NOQUANT)
             MIX is INT8, but the weights of operators that compute in float stay float
  -b false   keep BatchNorm and activations apart (default: true, fused into the operator before)
  -c X       clip the inputs of matrix products to X and -X (default 0: do not)
  -s FILE    scale table: clip values by layer and tensor, as JSON
  -o true    calibrate: find the clip values of inputs and int8 outputs on examples, for static int8
  -d FOLDER  with -o or --accuracy: the examples, pictures (.jpg, .png, .webp) or arrays (.npy, .npz)
  -f WORD    with -d: how pictures become inputs: ${BOLT_IMAGE_FORMATS.join(", ")} (default: RGB)
  -m X       with -d: what pictures are multiplied by after the mean is taken (default: 1)
  -V         show what the quantized model holds
  -h, --help show this help

  --method WORD           with -o: how clip values are found: ${Object.keys(METHOD_NEEDS).join(", ")}
                          (default: mse, the least squared error; kl-bolt is Bolt's own search)
  --accuracy best         fit channels, weights and biases to the examples (-d), with or without -o true;
                          what does not help on examples held back is undone (docs/calibration.md)
  --recipe FILE           rules by type and name: what stays float, how clip values are found (docs/recipes.md)
  --plan FILE             do what this plan says: one made with --dry-run --json, perhaps edited
  --output FILE           where to write (default: NAME_int8_q.bolt and the like, beside the model)
  --as-bolt               do what Bolt's own tool does, also where that is broken
  --dry-run               write nothing; print what would be done to every operator and weight, and why
  --json                  with --dry-run: as JSON
  --report FILE.html      write what was done and what it cost as a page; with -d also measured on the examples
  --bolt-version VERSION  state the model as a newer file version before quantizing it

The environment variable BOLT_INT8_STORAGE_ERROR_THRESHOLD keeps weights out of int8 storage where that errs by more.`;

const LONG_OPTIONS = [
  "output=",
  "method=",
  "accuracy=",
  "recipe=",
  "plan=",
  "as-bolt",
  "dry-run",
  "json",
  "bolt-version=",
  "report=",
];
const INPUT_SUFFIX = "ptq_input.bolt";

/** Runs post_training_quantization with these arguments. */
export async function postTrainingQuantization(args: readonly string[]): Promise<void> {
  if (args.some((arg) => ["--help", "-help", "--h", "-h"].includes(arg))) return printLines([HELP]);
  const options = parseGetopt(args, "p:i:b:q:c:s:o:d:f:m:V", LONG_OPTIONS);
  for (const operand of options.operands) process.stderr.write(`warning: "${operand}" is passed over\n`);
  const path = modelPath(options);
  const files = new CommandFiles({
    reads: [path, options.values.get("s"), options.values.get("recipe"), options.values.get("plan")],
    writes: options.flags.has("dry-run") ? [] : [options.values.get("output"), options.values.get("report")],
  });
  const source = fileSource(path);
  const work = source.length >= SHARED_WORK_BYTES && availableParallelism() > 1 ? shareWork() : undefined;
  try {
    await quantizeFile(source, options, files, work);
  } finally {
    await work?.close();
    source.close();
  }
}

/** Models from this size on are quantized by two threads: below, starting one takes longer than it saves. */
const SHARED_WORK_BYTES = 1 << 25;

async function quantizeFile(
  source: Source,
  options: ParsedOptions,
  files: CommandFiles,
  work: WeightWork | undefined,
): Promise<void> {
  const settings = { ...quantizeOptions(options), work };
  const input = await readInput(source, options);
  const quantized = await quantizeInput(input, settings, options, files);
  printWarnings(quantized.plan.warnings);
  if (options.flags.has("dry-run")) return printPlan(quantized.plan, options.flags.has("json"));
  const output = options.values.get("output") ?? defaultOutput(source.name, quantized.suffix);
  checkReported(output, options.values.get("report"));
  const target = files.target(output);
  await writeWhole(target, () => writeBolt(quantized.model, target));
  if (options.flags.has("V")) printLines(describeModel(await summarizeModel(await readBolt(fileSource(output)))));
  const report = options.values.get("report");
  if (report !== undefined) await writeReport(report, source.name, output, quantized, options, files);
  const advice = quantized.plan.weights.some(({ type }) => type === "float32" || type === "float16")
    ? "Give -q INT8 to store the weights in int8"
    : undefined;
  printLines([
    ...summarizePlan(quantized.plan),
    ...describeSizes(files.bytesOf(source.name), [output], advice),
    `wrote ${output}`,
    ...(report === undefined ? [] : [`wrote ${report}`]),
  ]);
}

async function writeReport(
  path: string,
  source: string,
  result: string,
  { plan }: QuantizedBolt,
  { values }: ParsedOptions,
  files: CommandFiles,
): Promise<void> {
  const { reportModel } = await import("./write-report.ts");
  const folder = values.get("d");
  const openExamples = async (at: string) =>
    (await import("./calibrate-bolt.ts")).openExamples(at, await openModel(source), values);
  const data = folder === undefined ? undefined : await openExamples(folder);
  const recipe = parsed(values.get("recipe"), readRecipe);
  const made = { path, program: "post_training_quantization", args: process.argv.slice(2), source, result };
  await reportModel({ ...made, plan, recipe, data }, files);
}

async function quantizeInput(
  input: BoltModel,
  settings: QuantizeBoltOptions,
  options: ParsedOptions,
  files: CommandFiles,
): Promise<QuantizedBolt> {
  const planFile = options.values.get("plan");
  if (options.values.has("accuracy") && planFile !== undefined) {
    throw new BoltqError("usage", "a plan says what is done for accuracy already (--plan, --accuracy)", {
      remedy: "Give one of them",
    });
  }
  if (planFile !== undefined) return quantizeAsPlanned(input, parsePlan(readText(planFile), planFile), settings);
  if (needsExamples(options))
    return (await import("./calibrate-bolt.ts")).quantizeWithData(input, settings, options, files);
  return quantizeBolt(input, settings);
}

function needsExamples({ values }: ParsedOptions): boolean {
  if (values.get("o") === "true" || values.has("accuracy")) return true;
  if (values.has("d"))
    process.stderr.write("warning: without -o true or --accuracy best the examples (-d) are not used\n");
  return false;
}

function modelPath({ values }: ParsedOptions): string {
  const path = values.get("p");
  if (path === undefined) {
    throw new BoltqError("usage", "the model is missing (-p MODEL)", {
      remedy: "See post_training_quantization --help",
    });
  }
  if (!basename(path).includes(INPUT_SUFFIX)) {
    throw new BoltqError("usage", `the model's name must contain ${INPUT_SUFFIX}`, {
      file: path,
      remedy: "Give a model made with X2bolt -i PTQ",
    });
  }
  return path;
}

function defaultOutput(input: string, suffix: string): string {
  return join(dirname(input), basename(input).replace(INPUT_SUFFIX, suffix));
}

async function readInput(source: Source, { values }: ParsedOptions): Promise<BoltModel> {
  const model = await readBolt(source);
  const version = parsed(values.get("bolt-version"), parseBoltVersion);
  if (version !== undefined) upgradeVersion(model, version);
  return model;
}

function quantizeOptions({ values, flags }: ParsedOptions): QuantizeBoltOptions {
  const asBolt = flags.has("as-bolt");
  const scaleTableFile = values.get("s");
  return {
    asBolt,
    fuseBatchNorm: values.get("b") !== "false",
    clip: leadingNumber(values.get("c") ?? "0"),
    inference: parsed(values.get("i"), parseInference),
    storage: parsed(values.get("q"), parseStorage),
    scaleTable: parsed(scaleTableFile, (file) => parseScaleTable(readText(file), file, { lenient: asBolt })),
    scaleTableFile,
    recipe: parsed(values.get("recipe"), readRecipe),
    errorThreshold: parsed(process.env["BOLT_INT8_STORAGE_ERROR_THRESHOLD"], leadingNumber),
  };
}

/** The number that a text starts with, 0 if none: as C's atof. */
function leadingNumber(text: string): number {
  return Number.parseFloat(text) || 0;
}
