import type { Command } from "commander";
import { modelInputs } from "../convert/model-inputs.ts";
import { type Comparison, compareModels } from "../evaluate/compare.ts";
import type { InnerComparison } from "../evaluate/compare-inside.ts";
import type { TensorComparison } from "../evaluate/error-table.ts";
import { CommandFiles } from "./command-files.ts";
import { addDataOptions, type DataOptions, dataReads, openData, preprocessingOf } from "./data-options.ts";
import { describeText } from "./describe-text.ts";
import { openModel } from "./model-argument.ts";
import { parseCount } from "./number-option.ts";
import { printJson, printLines, showBytes, table } from "./print.ts";
import { progressBar } from "./progress.ts";
import { addReportOption } from "./report-option.ts";

interface Options extends DataOptions {
  readonly layers?: boolean;
  readonly threads: number;
  readonly json?: boolean;
  readonly report?: string;
}

export function define(command: Command): void {
  addReportOption(
    addDataOptions(
      command
        .argument("<first>", "the reference, .onnx, .bolt, .tflite, .pb or .caffemodel")
        .argument("<second>", "the model to measure against it"),
    ),
  )
    .option("--layers", "compare also the values inside, paired by place; say where and why the second model loses")
    .option("--threads <number>", "threads inside one operator", parseCount, 1)
    .option("--json", "print as JSON")
    .addHelpText("after", "\nThe exit code is 1 when a number is NaN or infinite in one of the models alone.")
    .action(compare);
}

async function compare(first: string, second: string, options: Options): Promise<void> {
  const files = new CommandFiles({
    reads: [first, second, ...dataReads(options)],
    writes: [options.preview, options.report],
  });
  const [reference, other] = [await openModel(first, files), await openModel(second, files)];
  const data = await openData(options, modelInputs(reference), files, first);
  const bar = progressBar("comparing");
  const skipped: string[] = [];
  const report = options.report === undefined ? undefined : await import("./write-report.ts");
  const changed = report?.changedAnswers(preprocessingOf(options, first));
  const result = await compareModels(reference, other, data, {
    onSample: changed?.add,
    onSkip: (name, reason) => skipped.push(`${name} (${reason})`),
    layers: options.layers === true || report !== undefined,
    threads: options.threads,
    names: [first, second],
    onProgress: (done) => bar.update(done, data.length),
  }).finally(() => bar.end());
  for (const name of skipped) process.stderr.write(`skipped: ${name}\n`);
  const bytes = [files.bytesOf(first), files.bytesOf(second)] as const;
  if (report !== undefined && options.report !== undefined) {
    await report.reportComparison(
      {
        path: options.report,
        names: [first, second],
        bytes,
        comparison: result,
        data,
        examples: await changed?.result(),
      },
      files,
    );
  }
  if (options.json) printJson({ ...withPlainRanges(result), bytes, skipped: skipped.length });
  else printLines(describe(result, bytes));
  if (options.report !== undefined && !options.json) printLines([`wrote ${options.report}`]);
  const broken = [...result.outputs, ...result.layers].filter((row) => row.broken > 0);
  for (const { name, broken: count } of broken) {
    process.stderr.write(`warning: "${name}": ${count} numbers are NaN or infinite in one of the models alone\n`);
  }
  if (broken.length > 0) process.exitCode = 1;
}

function describe(
  { samples, outputs, layers, inner, unlikeLayers, text, milliseconds }: Comparison,
  [firstBytes, secondBytes]: readonly [number, number],
): string[] {
  const time =
    milliseconds === undefined
      ? []
      : [
          [
            "milliseconds",
            ...milliseconds.map((value) => value.toFixed(2)),
            `${(milliseconds[0] / milliseconds[1]).toFixed(2)}x`,
          ],
        ];
  return [
    `${samples} samples`,
    ...table(
      ["", "first", "second", "gain"],
      [["bytes", showBytes(firstBytes), showBytes(secondBytes), `${(firstBytes / secondBytes).toFixed(2)}x`], ...time],
    ),
    ...describeText(text),
    "",
    ...errorTable("output", outputs),
    ...(layers.length > 0 ? ["", ...errorTable("layer", layers)] : []),
    ...(inner === undefined ? [] : ["", ...describeInner(inner)]),
    ...(unlikeLayers.length > 0 ? ["", `of different sizes: ${unlikeLayers.join(", ")}`] : []),
  ];
}

/** JSON has no maps. */
function withPlainRanges({ inner, ...result }: Comparison) {
  return {
    ...result,
    ...(inner === undefined ? {} : { inner: { ...inner, ranges: Object.fromEntries(inner.ranges) } }),
  };
}

const MOST_LOSSES = 10;

function describeInner({ operators, paired, losses, optimized }: InnerComparison): string[] {
  const worst = losses.slice(0, MOST_LOSSES);
  return [
    `${paired} of ${operators} operators of the first model have a counterpart in the second`,
    ...optimized.filter(({ decibels }) => decibels < NEARLY_EQUAL).map(describeOptimized),
    ...(worst.length === 0 ? [] : ["", "where the second model loses most:"]),
    ...table(
      ["operator", "type", "own error", "accumulated", "outputs", "because"],
      worst.map(({ operator, type, local, accumulated, effect, reason }) => [
        operator,
        type,
        showDecibels(local),
        showDecibels(accumulated),
        effect === undefined ? "" : showDecibels(effect),
        reason,
      ]),
    ).filter(() => worst.length > 0),
    ...worst.slice(0, 3).map(({ operator, evidence, remedy }) => `${operator}: ${evidence}. ${remedy}`),
  ];
}

/** Above this the order of sums alone makes the difference. */
const NEARLY_EQUAL = 80;

function describeOptimized({ name, decibels }: TensorComparison): string {
  return `the second model as ONNX Runtime optimizes it differs from what its operators say: "${name}" by ${showDecibels(decibels)} dB (the layers are compared without optimization)`;
}

function showDecibels(decibels: number): string {
  return decibels === Number.POSITIVE_INFINITY ? "equal" : decibels.toFixed(1).replace("Infinity", "∞");
}

function errorTable(heading: string, rows: readonly TensorComparison[]): string[] {
  return table(
    [heading, "dB", "cosine", "equal arg-max", "largest difference"],
    rows.map(({ name, otherName, decibels, cosine, equalArgMax, largestDifference }) => [
      name === otherName ? name : `${name} / ${otherName}`,
      showDecibels(decibels),
      cosine.toFixed(5),
      `${(100 * equalArgMax).toFixed(1)} %`,
      largestDifference.toPrecision(3),
    ]),
  );
}
