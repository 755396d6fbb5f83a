import { type Command, Option } from "commander";
import { collectObservations } from "../calibrate/collect.ts";
import { findRange, METHOD_NEEDS } from "../calibrate/find-range.ts";
import { mergeObservations, type Observations, statisticsOf } from "../calibrate/observations.ts";
import { parseObservations, printObservations } from "../calibrate/observations-file.ts";
import type { Range, RangeMethod } from "../calibrate/range.ts";
import type { Collected } from "../calibrate/statistics.ts";
import type { Model } from "../convert/model-file.ts";
import { modelInputs } from "../convert/model-inputs.ts";
import { BoltqError } from "../io/error.ts";
import { writeWhole } from "../io/target.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { planBoltObservation } from "../quantize/bolt/calibrate.ts";
import { clipsOfInt8Tensors } from "../quantize/bolt/clips-of-int8-tensors.ts";
import { prepareBolt } from "../quantize/bolt/prepare.ts";
import { clipsOfRanges } from "../quantize/onnx/clips-of-ranges.ts";
import { planObservation } from "../quantize/onnx/observation.ts";
import { type LayerClips, printScaleTable } from "../quantize/scale-table.ts";
import { CommandFiles } from "./command-files.ts";
import { addDataOptions, type DataOptions, dataReads, openData, warnOfOneExample } from "./data-options.ts";
import { openModel } from "./model-argument.ts";
import { printJson, printLines, table } from "./print.ts";
import { progressBar } from "./progress.ts";
import { readText } from "./read-text.ts";
import { addRecipeOption, readRecipe } from "./recipe-option.ts";
import { addReportOption } from "./report-option.ts";
import { originOf, readStatistics } from "./statistics-file.ts";

interface Options extends Partial<DataOptions> {
  readonly merge?: boolean;
  readonly output?: string;
  readonly table?: string;
  readonly recipe: string;
  readonly method: RangeMethod;
  readonly collect: Collected;
  readonly stats?: string;
  readonly verbose?: boolean;
  readonly json?: boolean;
  readonly report?: string;
}

export function define(command: Command): void {
  addReportOption(command);
  addRecipeOption(
    addDataOptions(
      command.argument(
        "<model...>",
        "a float model, .onnx, .tflite, .pb, .caffemodel or ..._ptq_input.bolt; with --merge: statistics",
      ),
      { required: false },
    ),
  )
    .option("-o, --output <stats.json>", "write the statistics")
    .option("--table <table.json>", "write the clip values as a scale table, for -s and --table")
    .option("--stats <stats.json>", "take these statistics instead of data")
    .option("--merge", "merge statistics of parts of a data set into those of the whole")
    .addOption(
      new Option("--collect <kind>", "what is collected of each value")
        .choices(["extremes", "sample", "histogram"])
        .default("histogram"),
    )
    .addOption(
      new Option("--method <word>", "how clip values are found").choices(Object.keys(METHOD_NEEDS)).default("mse"),
    )
    .option("-V, --verbose", "print the clip value of each tensor and what it cuts off")
    .option("--json", "print that as JSON")
    .action(calibrate);
}

async function calibrate(paths: readonly string[], options: Options): Promise<void> {
  const files = new CommandFiles({
    reads: [...paths, options.recipe, options.stats, ...dataReads(options)],
    writes: [options.output, options.table, options.preview, options.report],
  });
  if (options.merge) return merge(paths, options, files);
  const [path, ...others] = paths;
  if (path === undefined || others.length > 0) {
    throw new BoltqError("usage", `one model is calibrated at a time, not ${paths.length}`, {
      remedy: "Give one model, or --merge for statistics",
    });
  }
  const wanted = options.output ?? options.table ?? options.report ?? options.verbose ?? options.json;
  if (wanted === undefined) {
    throw new BoltqError("usage", "there is nothing to do with the statistics", {
      remedy: "Write them with -o STATS.json or --table TABLE.json, or show them with -V, --json or --report FILE.html",
    });
  }
  const model = await openModel(path, files);
  const { runnable, needs, layers, notes } = await subjectOf(model, options);
  for (const note of notes) process.stderr.write(`note: ${note}\n`);
  const observations =
    options.stats === undefined
      ? await observe(runnable, needs, path, options, files)
      : await readStatistics(options.stats, path, files);
  if (options.report !== undefined) {
    const { reportCalibration } = await import("./write-report.ts");
    const ranges = rangesOf(observations, options.method);
    await reportCalibration(
      { path: options.report, model: path, statistics: statisticsOf(observations), ranges },
      files,
    );
  }
  await finish(observations, options, layers, files);
}

/** A model as it can be run, and what is asked of it. */
interface Subject {
  readonly runnable: OnnxModel;
  readonly needs: ReadonlyMap<string, ReadonlySet<Collected>>;
  readonly notes: readonly string[];
  readonly layers: (clipOf: (name: string) => number) => Map<string, LayerClips>;
}

async function subjectOf(model: Model, { collect, recipe }: Options): Promise<Subject> {
  if (model.format === "onnx") {
    const { placement, needs, notes } = await planObservation(model, readRecipe(recipe));
    return {
      runnable: model,
      needs: withKind(needs, collect),
      notes,
      layers: (clipOf) => clipsOfRanges(model, placement, clipOf),
    };
  }
  const prepared = await prepareBolt(model);
  const {
    plan,
    model: runnable,
    needs,
    names,
  } = await planBoltObservation(prepared, () => collect, {
    recipe: readRecipe(recipe),
  });
  const layers = (clipOf: (name: string) => number) =>
    clipsOfInt8Tensors(model, plan, (value) => clipOf(names.get(value)!));
  return { runnable, needs: withKind(needs, collect), notes: plan.notes, layers };
}

/** The needs, and `kind` of every value. */
function withKind(needs: Subject["needs"], kind: Collected): Map<string, Set<Collected>> {
  return new Map([...needs].map(([name, kinds]) => [name, new Set([...kinds, kind])]));
}

async function observe(
  model: OnnxModel,
  needs: Subject["needs"],
  name: string,
  { data, ...options }: Options,
  files: CommandFiles,
): Promise<Observations> {
  if (data === undefined) {
    throw new BoltqError("usage", "the examples to calibrate with are missing (--data FOLDER)");
  }
  if (needs.size === 0) throw new BoltqError("unsupported", "nothing of this model can be quantized", { file: name });
  const dataset = await openData({ ...options, data }, modelInputs(model), files, name);
  warnOfOneExample(dataset);
  const bar = progressBar("calibrating");
  const observations = await collectObservations(model, needs, dataset, {
    name,
    onProgress: (done) => bar.update(done, dataset.length),
    onSkip: (example, reason) => process.stderr.write(`skipped: ${example} (${reason})\n`),
    onWarning: (warning) => process.stderr.write(`warning: ${warning}\n`),
  }).finally(() => bar.end());
  return { origin: await originOf(name, options, options.collect, files), ...observations };
}

async function merge(paths: readonly string[], options: Options, files: CommandFiles): Promise<void> {
  if (options.table !== undefined) {
    throw new BoltqError("usage", "a table needs the model that the statistics are of", {
      remedy: "Merge first, then boltq calibrate MODEL --stats ALL.json --table TABLE.json",
    });
  }
  const parts = paths.map((path) => parseObservations(readText(path), path));
  await finish(mergeObservations(parts, paths), options, () => new Map(), files);
}

async function finish(
  observations: Observations,
  options: Options,
  layers: Subject["layers"],
  files: CommandFiles,
): Promise<void> {
  const written: string[] = options.report === undefined ? [] : [`wrote ${options.report}`];
  const write = async (file: string, text: string) => {
    const target = files.target(file);
    await writeWhole(target, () => target.write(new TextEncoder().encode(text)));
    written.push(`wrote ${file}`);
  };
  if (options.output !== undefined) await write(options.output, printObservations(observations));
  const shown = options.verbose || options.json;
  const ranges =
    shown || options.table !== undefined ? rangesOf(observations, options.method) : new Map<string, Range>();
  if (options.table !== undefined) {
    const clips = layers((name) => ranges.get(name)?.high ?? missing(name));
    await write(options.table, printScaleTable(clips));
  }
  if (options.json) printJson({ examples: observations.examples.length, tensors: Object.fromEntries(ranges) });
  else
    printLines([...(shown ? [...describe(ranges), ""] : []), `${observations.examples.length} examples`, ...written]);
}

function missing(name: string): never {
  throw new BoltqError("mismatch", `the statistics do not tell of the value "${name}"`, {
    remedy: "Give statistics of this model",
  });
}

function rangesOf(observations: Observations, method: RangeMethod): Map<string, Range> {
  const { values } = statisticsOf(observations);
  return new Map([...values].map(([name, seen]) => [name, findRange(seen, method, { symmetric: true })]));
}

function describe(ranges: ReadonlyMap<string, Range>): string[] {
  const percent = (share: number | undefined) => (share === undefined ? "" : `${(100 * share).toFixed(3)} %`);
  return table(
    ["tensor", "clip", "method", "clipped", "become 0"],
    [...ranges].map(([name, { high, method, clipped, zeroed }]) => [
      name,
      high.toPrecision(6),
      method,
      percent(clipped),
      percent(zeroed),
    ]),
  );
}
