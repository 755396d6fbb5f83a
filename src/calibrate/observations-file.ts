import * as v from "valibot";
import { fieldsAmongOthers, finiteNumber, namedValues, parseAs, text } from "../io/schema.ts";
import { BINS, LEAST_EXPONENT } from "./histogram.ts";
import type { Observations, ValueObservations } from "./observations.ts";

const FORMAT = "boltq-statistics";
const VERSION = 1;

/** float32 numbers are below 2^128. */
const MOST_EXPONENT = 128;

/** Observations as JSON: the same text for the same observations. Sums are whole numbers as text, in units of 2^-149. */
export function printObservations({ origin, examples, skipped, values }: Observations): string {
  const lines = [...values].map(([name, value]) => JSON.stringify({ name, ...plainValue(value) }));
  const head = JSON.stringify({ format: FORMAT, version: VERSION, origin, examples, skipped }).slice(0, -1);
  return `${head},\n"values":[\n${lines.join(",\n")}\n]}\n`;
}

function plainValue({ histogram, moments, channels, ...value }: ValueObservations): object {
  return {
    ...value,
    sumOfMinima: `${value.sumOfMinima}`,
    sumOfMaxima: `${value.sumOfMaxima}`,
    ...(histogram === undefined
      ? {}
      : {
          histogram: {
            exponent: histogram.exponent,
            positive: withoutEnd(histogram.positive),
            negative: withoutEnd(histogram.negative),
          },
        }),
    ...(moments === undefined ? {} : { moments: { sum: `${moments.sum}`, sumOfSquares: `${moments.sumOfSquares}` } }),
    ...(channels === undefined
      ? {}
      : { channels: { magnitudes: channels.magnitudes, sums: channels.sums.map((sum) => `${sum}`) } }),
  };
}

/** Counts up to the last that is not zero. */
function withoutEnd(counts: Float64Array): number[] {
  return [...counts.subarray(0, counts.findLastIndex((count) => count !== 0) + 1)];
}

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const count = v.custom<number>(isCount, "a whole number of at least 0");

/** A sum of float32 numbers has no more digits than this: 277 bits for each of them, and 2^63 of them. */
const MAX_DIGITS = 110;
const isSum = (value: unknown) => typeof value === "string" && value.length <= MAX_DIGITS && /^-?\d+$/.test(value);
const sum = v.pipe(
  v.custom<string>(isSum, "a whole number as text"),
  v.transform((digits) => BigInt(digits)),
);

const exponent = v.custom<number>(
  (value) => Number.isInteger(value) && (value as number) >= LEAST_EXPONENT && (value as number) <= MOST_EXPONENT,
  `a whole number from ${LEAST_EXPONENT} to ${MOST_EXPONENT}`,
);
const bins = v.pipe(
  v.custom<number[]>(
    (value) => Array.isArray(value) && value.length <= BINS && value.every(isCount),
    `a list of at most ${BINS} whole numbers of at least 0`,
  ),
  v.transform((counts) => {
    const all = new Float64Array(BINS);
    all.set(counts);
    return all;
  }),
);

const channels = v.pipe(
  fieldsAmongOthers({ magnitudes: v.array(finiteNumber, "a list of numbers"), sums: v.array(sum, "a list of sums") }),
  v.check(({ magnitudes, sums }) => magnitudes.length === sums.length, "as many magnitudes as sums"),
);

const value = v.pipe(
  fieldsAmongOthers({
    name: text,
    examples: count,
    numbers: count,
    minimum: finiteNumber,
    maximum: finiteNumber,
    sumOfMinima: sum,
    sumOfMaxima: sum,
    peak: v.exactOptional(fieldsAmongOthers({ example: text, magnitude: finiteNumber, others: finiteNumber })),
    histogram: v.exactOptional(fieldsAmongOthers({ exponent, positive: bins, negative: bins })),
    moments: v.exactOptional(fieldsAmongOthers({ sum, sumOfSquares: sum })),
    channels: v.exactOptional(channels),
  }),
  v.check(({ minimum, maximum }) => minimum <= maximum, "a value whose minimum is not above its maximum"),
);

const origin = fieldsAmongOthers({
  model: text,
  settings: v.pipe(
    namedValues(text),
    v.transform((settings) => Object.fromEntries(settings)),
  ),
  shard: v.exactOptional(
    v.pipe(
      fieldsAmongOthers({ index: count, count }),
      v.check(({ index, count }) => index >= 1 && index <= count, "a shard, index from 1 to count"),
    ),
  ),
});

const STATISTICS = fieldsAmongOthers({
  format: v.literal(FORMAT, `"${FORMAT}"`),
  version: v.literal(VERSION, `${VERSION}`),
  origin: v.exactOptional(origin),
  examples: v.array(text, "a list of names"),
  skipped: v.array(fieldsAmongOthers({ name: text, reason: text }), "a list of examples"),
  values: v.pipe(
    v.array(value, "a list of values"),
    v.transform((list) => list.map(({ name, ...seen }): [string, ValueObservations] => [name, seen])),
    v.check((list) => new Map(list).size === list.length, "a list in which no value is there twice"),
    v.transform((list) => new Map(list)),
  ),
});

/** Reads what `printObservations` wrote. Throws BoltqError `format` that says what is wrong; `file` is for messages. */
export function parseObservations(json: string, file: string): Observations {
  const remedy = "Make the statistics again with boltq calibrate";
  const {
    format: _,
    version: __,
    ...observations
  } = parseAs(STATISTICS, json, {
    file,
    what: "a file of statistics",
    remedy,
  });
  return observations;
}
