import type { Command } from "commander";
import { modelInputs } from "../convert/model-inputs.ts";
import { type Evaluation, evaluateModel } from "../evaluate/accuracy.ts";
import { CommandFiles } from "./command-files.ts";
import { addDataOptions, type DataOptions, dataReads, openData, preprocessingOf } from "./data-options.ts";
import { describeText } from "./describe-text.ts";
import { addLabelOptions, readLabels } from "./label-option.ts";
import { openModel } from "./model-argument.ts";
import { parseCount } from "./number-option.ts";
import { printJson, printLines } from "./print.ts";
import { progressBar } from "./progress.ts";
import { addReportOption } from "./report-option.ts";

interface Options extends DataOptions {
  readonly labels?: string;
  readonly labelOffset: number;
  readonly reference?: string;
  readonly threads: number;
  readonly json?: boolean;
  readonly report?: string;
}

export function define(command: Command): void {
  const withData = addDataOptions(
    command.argument("<model>", "a classifier or a model of text, .onnx, .bolt, .tflite, .pb or .caffemodel"),
  );
  addLabelOptions(addReportOption(withData))
    .option("--reference <model>", "the float model to agree with")
    .option("--threads <number>", "threads inside one operator", parseCount, 1)
    .option("--json", "print as JSON")
    .action(evaluate);
}

async function evaluate(path: string, options: Options): Promise<void> {
  const files = new CommandFiles({
    reads: [path, options.labels, options.reference, ...dataReads(options)],
    writes: [options.preview, options.report],
  });
  const model = await openModel(path, files);
  const reference = options.reference === undefined ? undefined : await openModel(options.reference, files);
  const data = await openData(options, modelInputs(model), files, path);
  const bar = progressBar("evaluating");
  const skipped: string[] = [];
  const report = options.report === undefined ? undefined : await import("./write-report.ts");
  const changed = report?.changedAnswers(preprocessingOf(options, path));
  const result = await evaluateModel(model, data, {
    onSample: changed?.add,
    onSkip: (name, reason) => skipped.push(`${name} (${reason})`),
    labelOffset: options.labelOffset,
    threads: options.threads,
    onProgress: (done) => bar.update(done, data.length),
    labels: options.labels === undefined ? undefined : readLabels(options.labels, data.names),
    reference,
  }).finally(() => bar.end());
  for (const name of skipped) process.stderr.write(`skipped: ${name}\n`);
  if (result.undecided > 0)
    process.stderr.write(
      `warning: ${result.undecided} samples have scores that are NaN or infinite; they count as wrong\n`,
    );
  if (report !== undefined && options.report !== undefined) {
    const names = [options.reference ?? path, path] as const;
    await report.reportEvaluation(
      { path: options.report, names, evaluation: result, examples: await changed?.result() },
      files,
    );
  }
  if (options.json) printJson({ ...result, skipped: skipped.length });
  else printLines([...describe(result), ...(options.report === undefined ? [] : [`wrote ${options.report}`])]);
}

function describe({ samples, labelled, top1, top5, agreement, decibels, text }: Evaluation): string[] {
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
  return [
    `${samples} samples, ${labelled} with a label`,
    ...(top1 === undefined || top5 === undefined ? [] : [`top 1: ${percent(top1)}`, `top 5: ${percent(top5)}`]),
    ...describeText(text),
    ...(agreement === undefined ? [] : [`agreement with the reference: ${percent(agreement)}`]),
    ...(decibels === undefined ? [] : [`output against the reference: ${decibels.toFixed(1)} dB`]),
  ];
}
