import type { OperatorLoss } from "../../evaluate/compare-inside.ts";
import type { OperatorPlan, PlanWarning, ValuePlan, WeightPlan } from "../../quantize/plan.ts";

/** What a report shows: plain data. Sections whose data is left out are not there. */
export interface ReportData {
  /** The heading: what was made or measured. */
  readonly title: string;
  readonly made: ReportOrigin;
  readonly card?: ReportCard | undefined;
  /** Operators that cost the outputs most, the worst first. */
  readonly losses?: readonly OperatorLoss[] | undefined;
  /** What must be said of the losses. */
  readonly remarks?: readonly string[] | undefined;
  readonly decisions?: ReportDecisions | undefined;
  readonly histograms?: readonly ReportHistogram[] | undefined;
  readonly weights?: readonly ReportChannels[] | undefined;
  readonly graph?: ReportGraph | undefined;
  readonly examples?: ReportExamples | undefined;
  /** What was tried, the row that was taken marked. */
  readonly trials?: readonly ReportTrial[] | undefined;
}

/** How to make the same again. */
export interface ReportOrigin {
  readonly command: string;
  /** boltq's and the runtime's versions. */
  readonly versions: string;
  /** JSON. */
  readonly recipe?: string | undefined;
}

/** Before and after. Pairs are the first model's number and the second's. */
export interface ReportCard {
  readonly names: readonly [string, string];
  readonly bytes?: readonly [number, number] | undefined;
  /** Median time of a run in milliseconds. */
  readonly milliseconds?: readonly [number, number] | undefined;
  /** Share of samples for which both give the same answer. */
  readonly agreement?: number | undefined;
  /** Signal to noise of the second model's worst output, in dB. */
  readonly decibels?: number | undefined;
  /** Shares of right answers; of one model alone the other is undefined. */
  readonly top1?: readonly [number | undefined, number] | undefined;
  readonly top5?: readonly [number | undefined, number] | undefined;
  readonly samples?: number | undefined;
}

/** What becomes of operators, values and weights: parts of a plan. */
export interface ReportDecisions {
  readonly operators: readonly OperatorPlan[];
  readonly values: readonly ValuePlan[];
  readonly weights: readonly WeightPlan[];
  readonly warnings: readonly PlanWarning[];
  readonly notes: readonly string[];
}

/** How a value's numbers are spread, and where they are cut. */
export interface ReportHistogram {
  readonly name: string;
  /** Ends of the bins: one more than there are counts. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  /** What is kept; undefined where nothing is stored. */
  readonly range: readonly [low: number, high: number] | undefined;
  readonly clipped: number | undefined;
}

/** Largest magnitudes of a weight's channels. */
export interface ReportChannels {
  readonly operator: string;
  readonly name: string;
  readonly magnitudes: readonly number[];
  /** What the scales reach to: one number a channel, or one for all. None: it stays float. */
  readonly reach: readonly number[];
}

/** Operators and what flows between them, laid out. Of a graph that is too large there are no places. */
export interface ReportGraph {
  readonly nodes: readonly ReportNode[];
  /** Indices of two nodes. */
  readonly edges: readonly (readonly [number, number])[];
  readonly layout: ReportLayout | undefined;
}

/** An operator as the graph shows it. */
export interface ReportNode {
  readonly name: string;
  readonly type: string;
  /** How it computes, as a plan says. */
  readonly precision: string | undefined;
  /** dB of its own error; undefined where it was not measured. */
  readonly local: number | undefined;
}

/** Pixels; a node's place is its middle. */
export interface ReportLayout {
  readonly width: number;
  readonly height: number;
  readonly places: readonly { readonly x: number; readonly y: number }[];
  readonly paths: readonly (readonly { readonly x: number; readonly y: number }[])[];
}

/** Examples for which the two models give different answers. */
export interface ReportExamples {
  readonly compared: number;
  readonly changed: number;
  readonly shown: readonly ReportExample[];
}

/** An example whose answer changed. */
export interface ReportExample {
  readonly name: string;
  readonly answers: readonly [string, string];
  /** A data: URL of a small picture, where the example is one. */
  readonly picture: string | undefined;
}

/** One thing that was tried. */
export interface ReportTrial {
  readonly what: string;
  readonly result: string;
  readonly taken: boolean;
}
