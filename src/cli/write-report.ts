import { statSync } from "node:fs";
import { basename } from "node:path";
import { deflateSync } from "node:zlib";
import { collectObservations } from "../calibrate/collect.ts";
import { statisticsOf } from "../calibrate/observations.ts";
import type { Range } from "../calibrate/range.ts";
import type { Collected, Statistics } from "../calibrate/statistics.ts";
import type { Model } from "../convert/model-file.ts";
import { type Dataset, firstSamples, type Sample } from "../data/dataset.ts";
import { encodePng } from "../data/image/encode-png.ts";
import { showInput } from "../data/preprocess/preview.ts";
import type { Preprocessing } from "../data/preprocess/specification.ts";
import type { Evaluation } from "../evaluate/accuracy.ts";
import { type Comparison, compareModels } from "../evaluate/compare.ts";
import { BoltqError } from "../io/error.ts";
import { writeWhole } from "../io/target.ts";
import type { Plan } from "../quantize/plan.ts";
import { ChangedAnswers, type Thumbnail } from "../report/gather/changed-answers.ts";
import { channelsOf } from "../report/gather/channels-of-model.ts";
import { graphOfModel } from "../report/gather/graph-of-model.ts";
import { histogramsOf } from "../report/gather/histograms-of-statistics.ts";
import { type ReportSubject, reportOf } from "../report/gather/report-of-comparison.ts";
import { shrunk } from "../report/gather/thumbnail.ts";
import { layOutGraph } from "../report/html/lay-out-graph.ts";
import { reportHtml } from "../report/html/report.ts";
import type { ReportData, ReportExamples, ReportOrigin, ReportTrial } from "../report/html/report-data.ts";
import { loadRuntime } from "../runtime/load.ts";
import type { CommandFiles } from "./command-files.ts";
import { openModel } from "./model-argument.ts";
import { progressBar } from "./progress.ts";
import { version } from "./version.ts";

/** Writes a report; its path was declared when the command began. */
export async function writeReport(path: string, data: ReportData, files: CommandFiles): Promise<void> {
  const target = files.target(path);
  await writeWhole(target, () => target.write(new TextEncoder().encode(reportHtml(data))));
}

/** The command as it was typed, to type it again. */
export async function reportOrigin(program: string, args: readonly string[], recipe?: object): Promise<ReportOrigin> {
  const runtime = await loadRuntime().then(
    ({ name }) => `, ${name}`,
    () => "",
  );
  return {
    command: [program, ...args].map(quoted).join(" "),
    versions: `boltq ${version}${runtime}, Node.js ${process.versions.node}`,
    recipe: recipe === undefined ? undefined : JSON.stringify(recipe, null, 2),
  };
}

/** As a shell takes it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Small pictures of what the network sees. */
export function thumbnails(preprocessing: Preprocessing): Thumbnail {
  return ({ inputs }: Sample) => {
    const picture = [...inputs.values()].find(({ shape }) => shape.length >= 3);
    if (picture === undefined) return undefined;
    try {
      const png = encodePng(shrunk(showInput(picture, preprocessing)), (raw) => deflateSync(raw));
      return `data:image/png;base64,${Buffer.from(png).toString("base64")}`;
    } catch (error) {
      if (error instanceof BoltqError) return undefined; // the example is no picture
      throw error;
    }
  };
}

/** What --report shows of a model that was made of another. */
export interface ModelReport {
  readonly path: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Files of the float model and of what was made of it. */
  readonly source: string;
  readonly result: string;
  readonly plan: Plan;
  readonly statistics?: Statistics | undefined;
  readonly recipe?: object | undefined;
  readonly trials?: readonly ReportTrial[] | undefined;
  /** Examples to compare both on, and how they became inputs. */
  readonly data?: { readonly dataset: Dataset; readonly preprocessing: Preprocessing } | undefined;
}

/** So many examples are enough to see where a model loses; a report is not to take longer than what it reports. */
const COMPARED_EXAMPLES = 16;

/** Compares a model with what was made of it, on the first examples, and writes the report. */
export async function reportModel(report: ModelReport, files: CommandFiles): Promise<void> {
  const { path, source, result, plan, statistics, data } = report;
  const models = [await openModel(source), await openModel(result)] as const;
  const changed = new ChangedAnswers(data === undefined ? () => undefined : thumbnails(data.preprocessing));
  const bar = progressBar("comparing");
  const compare = async (dataset: Dataset) =>
    compareModels(...models, firstSamples(dataset, COMPARED_EXAMPLES), {
      names: [source, result],
      layers: true,
      onSample: changed.add,
      onProgress: (done) => bar.update(done, Math.min(dataset.length, COMPARED_EXAMPLES)),
    }).finally(() => bar.end());
  const subject: ReportSubject = {
    title: basename(result),
    made: await reportOrigin(report.program, report.args, report.recipe),
    models: [await openModel(source), await openModel(result)],
    names: [basename(source), basename(result)],
    bytes: [files.bytesOf(source), statSync(result).size],
    comparison: data === undefined ? undefined : await compare(data.dataset),
    examples: await changed.result(),
    plan,
    statistics,
  };
  await writeReport(path, { ...(await reportOf(subject)), trials: report.trials }, files);
}

export function changedAnswers(preprocessing: Preprocessing): ChangedAnswers {
  return new ChangedAnswers(thumbnails(preprocessing));
}

/** What --report shows of two models that were compared. */
export interface ComparisonReport {
  readonly path: string;
  readonly names: readonly [string, string];
  readonly bytes: readonly [number, number];
  readonly comparison: Comparison;
  readonly data: Dataset;
  readonly examples: ReportExamples | undefined;
}

/** Writes the report of a comparison; the values that the second model stores are counted in one more pass over the data. */
export async function reportComparison(report: ComparisonReport, files: CommandFiles): Promise<void> {
  const { path, names, bytes, comparison, data, examples } = report;
  const [first, second] = [await openModel(names[0]), await openModel(names[1])];
  const subject: ReportSubject = {
    title: `${basename(names[1])} against ${basename(names[0])}`,
    made: await reportOrigin("boltq", process.argv.slice(2)),
    models: [first, second],
    names: [basename(names[0]), basename(names[1])],
    bytes,
    comparison,
    examples,
    statistics: await statisticsFor(first, comparison, data),
  };
  await writeReport(path, await reportOf(subject), files);
}

async function statisticsFor(first: Model, { inner }: Comparison, data: Dataset): Promise<Statistics | undefined> {
  const stored = [...(inner?.ranges.keys() ?? [])];
  if (first.format !== "onnx" || stored.length === 0) return undefined;
  const needs = new Map(stored.map((name) => [name, HISTOGRAM]));
  return statisticsOf(await collectObservations(first, needs, data));
}

const HISTOGRAM: ReadonlySet<Collected> = new Set(["histogram"]);

/** What --report shows of a classifier that was measured. */
export interface EvaluationReport {
  readonly path: string;
  /** The reference, and the model; the same twice where there is no reference. */
  readonly names: readonly [string, string];
  readonly evaluation: Evaluation;
  readonly examples: ReportExamples | undefined;
}

export async function reportEvaluation(report: EvaluationReport, files: CommandFiles): Promise<void> {
  const { path, names, evaluation, examples } = report;
  const { samples, top1, top5, agreement, decibels } = evaluation;
  const model = await openModel(names[1]);
  const alone = names[0] === names[1];
  const bytes = names.map((name) => files.bytesOf(name)) as [number, number];
  const weights = await channelsOf(model);
  await writeReport(
    path,
    {
      title: `Accuracy of ${basename(names[1])}`,
      made: await reportOrigin("boltq", process.argv.slice(2)),
      card: {
        names: [alone ? "its labels" : basename(names[0]), basename(names[1])],
        bytes: alone ? undefined : bytes,
        samples,
        agreement,
        decibels,
        top1: top1 === undefined ? undefined : [undefined, top1],
        top5: top5 === undefined ? undefined : [undefined, top5],
      },
      examples,
      weights: weights.length === 0 ? undefined : weights,
      graph: await layOutGraph(graphOfModel(model, {})),
    },
    files,
  );
}

/** What --report shows of a calibration. */
export interface CalibrationReport {
  readonly path: string;
  readonly model: string;
  readonly statistics: Statistics;
  readonly ranges: ReadonlyMap<string, Pick<Range, "low" | "high" | "clipped">>;
}

export async function reportCalibration(report: CalibrationReport, files: CommandFiles): Promise<void> {
  const { path, model, statistics, ranges } = report;
  const kept = [...ranges].map(([name, range]) => ({ name, ...range }));
  await writeReport(
    path,
    {
      title: `Calibration of ${basename(model)} on ${statistics.examples.length} examples`,
      made: await reportOrigin("boltq", process.argv.slice(2)),
      histograms: histogramsOf(statistics, kept),
      graph: await layOutGraph(graphOfModel(await openModel(model), {})),
    },
    files,
  );
}
