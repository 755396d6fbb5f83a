import { BoltqError } from "../io/error.ts";
import { type ExactSum, meanOf } from "./exact-sum.ts";
import { type Histogram, mergedHistograms } from "./histogram.ts";
import { mergeOrigins, type Origin } from "./origin.ts";
import { mergePeaks, type Peak } from "./peak.ts";
import type { Statistics, ValueStatistics } from "./statistics.ts";

/**
 * What was seen of one value, as sums and counts without rounding: parts seen apart are merged to the same as if they had
 * been seen in one go.
 */
export interface ValueObservations {
  readonly examples: number;
  readonly numbers: number;
  readonly minimum: number;
  readonly maximum: number;
  /** Sums over the examples of each one's extremes. */
  readonly sumOfMinima: ExactSum;
  readonly sumOfMaxima: ExactSum;
  /** Missing in statistics of earlier versions. */
  readonly peak?: Peak | undefined;
  readonly histogram?: Histogram | undefined;
  readonly moments?: { readonly sum: ExactSum; readonly sumOfSquares: ExactSum } | undefined;
  /** One entry a channel; `sums` adds each example's mean. */
  readonly channels?: { readonly magnitudes: readonly number[]; readonly sums: readonly ExactSum[] } | undefined;
}

/** What was seen of a network: can be written, read and merged. */
export interface Observations {
  /** What they were made of; where it is known, only parts of one whole are merged. */
  readonly origin?: Origin | undefined;
  /** Names of the examples, sorted. */
  readonly examples: readonly string[];
  /** Examples that could not be read, sorted by name. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  /** What was asked for of each value; in graph order. */
  readonly values: ReadonlyMap<string, ValueObservations>;
}

/**
 * Observations of disjoint parts of a data set as those of the whole; `names` are what messages call the parts. Throws
 * BoltqError `mismatch` when an example is in more than one part, the parts observed different values, or they are not all
 * parts of one whole.
 */
export function mergeObservations(
  parts: readonly Observations[],
  names: readonly string[] = parts.map((_, index) => `part ${index + 1}`),
): Observations {
  const [first, ...others] = parts;
  if (first === undefined) throw new BoltqError("usage", "there is nothing to merge");
  const origin = mergeOrigins(
    parts.map((part) => part.origin),
    names,
  );
  const { examples, skipped, values } = others.reduce(mergeTwo, first);
  return { origin, examples, skipped, values };
}

function mergeTwo(one: Observations, other: Observations): Observations {
  const known = new Set(one.examples);
  const twice = other.examples.find((name) => known.has(name));
  if (twice !== undefined) {
    throw new BoltqError("mismatch", `the example "${twice}" is in two of the parts`, {
      remedy: "Merge statistics of different examples",
    });
  }
  const names = [...one.values.keys()];
  if (names.join("\n") !== [...other.values.keys()].join("\n")) {
    const alone = [...names, ...other.values.keys()].find((name) => !(one.values.has(name) && other.values.has(name)));
    const which =
      alone === undefined ? "the same values in another order" : `different values: "${alone}" is in one alone`;
    throw new BoltqError("mismatch", `the parts observed ${which}`, {
      remedy: "Merge statistics of one model, made with the same options",
    });
  }
  return {
    examples: [...one.examples, ...other.examples].sort(),
    skipped: [...one.skipped, ...other.skipped].sort((left, right) => compareText(left.name, right.name)),
    values: new Map(names.map((name) => [name, mergeValues(one.values.get(name)!, other.values.get(name)!, name)])),
  };
}

/** Order of code units: the same everywhere. */
export function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Two parts of what was seen of one value; `name` is for messages. Throws BoltqError `mismatch`. */
export function mergeValues(one: ValueObservations, other: ValueObservations, name: string): ValueObservations {
  const { histogram, moments, channels } = one;
  const alike =
    (histogram === undefined) === (other.histogram === undefined) &&
    (moments === undefined) === (other.moments === undefined) &&
    channels?.sums.length === other.channels?.sums.length;
  if (!alike) {
    throw new BoltqError("mismatch", "the parts collected different things", { subject: `value "${name}"` });
  }
  return {
    examples: one.examples + other.examples,
    numbers: one.numbers + other.numbers,
    minimum: Math.min(one.minimum, other.minimum),
    maximum: Math.max(one.maximum, other.maximum),
    sumOfMinima: one.sumOfMinima + other.sumOfMinima,
    sumOfMaxima: one.sumOfMaxima + other.sumOfMaxima,
    peak: one.peak === undefined || other.peak === undefined ? undefined : mergePeaks(one.peak, other.peak),
    histogram: histogram === undefined ? undefined : mergedHistograms(histogram, other.histogram!),
    moments:
      moments === undefined
        ? undefined
        : {
            sum: moments.sum + other.moments!.sum,
            sumOfSquares: moments.sumOfSquares + other.moments!.sumOfSquares,
          },
    channels:
      channels === undefined
        ? undefined
        : {
            magnitudes: channels.magnitudes.map((most, index) => Math.max(most, other.channels!.magnitudes[index]!)),
            sums: channels.sums.map((sum, index) => sum + other.channels!.sums[index]!),
          },
  };
}

/** The observations as numbers to calculate with. */
export function statisticsOf(observations: Observations): Statistics {
  const { examples, skipped, values } = observations;
  return { examples, skipped, values: new Map([...values].map(([name, value]) => [name, summarize(value)])) };
}

function summarize(value: ValueObservations): ValueStatistics {
  const { examples, numbers, minimum, maximum, histogram, moments, channels } = value;
  return {
    examples,
    numbers,
    minimum,
    maximum,
    meanMinimum: meanOf(value.sumOfMinima, examples),
    meanMaximum: meanOf(value.sumOfMaxima, examples),
    histogram,
    moments:
      moments === undefined
        ? undefined
        : {
            mean: meanOf(moments.sum, numbers),
            meanSquare: meanOf(moments.sumOfSquares, numbers),
          },
    channels:
      channels === undefined
        ? undefined
        : {
            magnitudes: channels.magnitudes,
            means: channels.sums.map((sum) => meanOf(sum, examples)),
          },
  };
}
