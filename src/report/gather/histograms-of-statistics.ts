import { signedBins } from "../../calibrate/signed-bins.ts";
import type { Statistics } from "../../calibrate/statistics.ts";
import type { ReportHistogram } from "../html/report-data.ts";

/** Where a value is cut, and how much of it. */
export interface KeptRange {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  readonly clipped?: number | undefined;
}

/** A chart has about so many bars. */
const BARS = 64;

/** Histograms of the values that were counted, in the statistics' order, with the ranges that are kept of them. */
export function histogramsOf({ values }: Statistics, ranges: readonly KeptRange[]): ReportHistogram[] {
  const kept = new Map(ranges.map((range) => [range.name, range]));
  return [...values].flatMap(([name, { histogram, minimum, maximum }]): ReportHistogram[] => {
    if (histogram === undefined) return [];
    const { counts, zero, width } = signedBins(histogram, minimum, maximum);
    const run = Math.max(1, Math.round(counts.length / BARS));
    const bars = Math.ceil(counts.length / run);
    const range = kept.get(name);
    return [
      {
        name,
        edges: Array.from({ length: bars + 1 }, (_, bar) => (bar * run - zero) * width),
        counts: Array.from({ length: bars }, (_, bar) =>
          counts.subarray(bar * run, (bar + 1) * run).reduce((sum, count) => sum + count, 0),
        ),
        range: range === undefined ? undefined : [range.low, range.high],
        clipped: range?.clipped,
      },
    ];
  });
}
