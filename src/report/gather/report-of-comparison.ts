import type { Statistics } from "../../calibrate/statistics.ts";
import type { Model } from "../../convert/model-file.ts";
import type { Comparison } from "../../evaluate/compare.ts";
import type { Plan } from "../../quantize/plan.ts";
import { layOutGraph } from "../html/lay-out-graph.ts";
import type { ReportCard, ReportData, ReportExamples, ReportOrigin } from "../html/report-data.ts";
import { channelsOf } from "./channels-of-model.ts";
import { graphOfModel } from "./graph-of-model.ts";
import { histogramsOf, type KeptRange } from "./histograms-of-statistics.ts";

/** What is known when a model was made of another, or compared with it. */
export interface ReportSubject {
  readonly title: string;
  readonly made: ReportOrigin;
  /** The first model, and the one that it is about. */
  readonly models: readonly [Model, Model];
  readonly names: readonly [string, string];
  readonly bytes: readonly [number, number];
  readonly comparison?: Comparison | undefined;
  readonly examples?: ReportExamples | undefined;
  readonly plan?: Plan | undefined;
  /** What was seen of the first model's values. */
  readonly statistics?: Statistics | undefined;
  /** Measured accuracy, for the card. */
  readonly accuracy?: Pick<ReportCard, "top1" | "top5">;
}

/** Above this the order of sums alone makes the difference. */
const NEARLY_EQUAL = 80;

/** Gathers a report; reads the weights of the second model, and loads what lays out a graph. */
export async function reportOf(subject: ReportSubject): Promise<ReportData> {
  const { title, made, models, names, bytes, comparison, plan, statistics } = subject;
  const inner = comparison?.inner;
  const ranges = plan === undefined ? rangesOf(comparison) : plan.values;
  const weights = await channelsOf(models[1]);
  const known = { losses: inner?.losses, operators: plan?.operators };
  return {
    title,
    made,
    card: { names, bytes, ...(comparison === undefined ? {} : measured(comparison)), ...subject.accuracy },
    losses: inner?.losses,
    remarks: inner === undefined ? undefined : remarksOf(inner),
    decisions: plan,
    examples: subject.examples,
    histograms: statistics === undefined ? undefined : histogramsOf(statistics, ranges),
    weights: weights.length === 0 ? undefined : weights,
    graph: await layOutGraph(graphOfModel(models[0], known)),
  };
}

function measured({ samples, outputs, milliseconds }: Comparison): Partial<ReportCard> {
  const worst = outputs.reduce((least, output) => Math.min(least, output.decibels), Number.POSITIVE_INFINITY);
  return { samples, milliseconds, agreement: outputs[0]?.equalArgMax, decibels: worst };
}

function rangesOf(comparison: Comparison | undefined): KeptRange[] {
  return [...(comparison?.inner?.ranges ?? [])].map(([name, [low, high]]) => ({ name, low, high }));
}

function remarksOf({ operators, paired, optimized }: NonNullable<Comparison["inner"]>): string[] {
  return [
    `${paired} of ${operators} operators of the first model have a counterpart in the second.`,
    ...optimized
      .filter(({ decibels }) => decibels < NEARLY_EQUAL)
      .map(
        ({ name, decibels }) =>
          `ONNX Runtime's optimized session gives "${name}" ${decibels.toFixed(1)} dB from what the operators say; the layers are compared without optimization.`,
      ),
  ];
}
