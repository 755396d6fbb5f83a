import { BoltqError } from "../io/error.ts";
import { parseJson } from "../io/json.ts";
import { BINS, type Histogram, LEAST_EXPONENT } from "./histogram.ts";
import type { Observations, ValueObservations } from "./observations.ts";

const FORMAT = "boltq-statistics";
const VERSION = 1;

/** float32 numbers are below 2^128. */
const MOST_EXPONENT = 128;

/** Observations as JSON: the same text for the same observations. Sums are whole numbers as text, in units of 2^-149. */
export function printObservations({ examples, skipped, values }: Observations): string {
  const lines = [...values].map(([name, value]) => JSON.stringify({ name, ...plainValue(value) }));
  const head = JSON.stringify({ format: FORMAT, version: VERSION, examples, skipped }).slice(0, -1);
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

/** Reads what `printObservations` wrote. Throws BoltqError `format` that says what is wrong; `file` is for messages. */
export function parseObservations(text: string, file: string): Observations {
  const root = new Place(parseJson(text, file), "", file);
  if (root.at("format").value !== FORMAT) throw root.wrong("these are no statistics of boltq calibrate");
  if (root.at("version").value !== VERSION) {
    throw root.wrong(`the statistics have version ${JSON.stringify(root.at("version").value)}, not ${VERSION}`);
  }
  const values = root
    .at("values")
    .list()
    .map((place): [string, ValueObservations] => [place.at("name").text(), parseValue(place)]);
  if (new Set(values.map(([name]) => name)).size !== values.length)
    throw root.at("values").wrong("a value is there twice");
  return {
    examples: root
      .at("examples")
      .list()
      .map((place) => place.text()),
    skipped: root
      .at("skipped")
      .list()
      .map((place) => ({ name: place.at("name").text(), reason: place.at("reason").text() })),
    values: new Map(values),
  };
}

function parseValue(place: Place): ValueObservations {
  const [histogram, moments, channels] = (["histogram", "moments", "channels"] as const).map((key) =>
    place.optional(key),
  );
  return {
    examples: place.at("examples").count(),
    numbers: place.at("numbers").count(),
    minimum: place.at("minimum").number(),
    maximum: place.at("maximum").number(),
    sumOfMinima: place.at("sumOfMinima").sum(),
    sumOfMaxima: place.at("sumOfMaxima").sum(),
    ...(histogram === undefined ? {} : { histogram: parseHistogram(histogram) }),
    ...(moments === undefined
      ? {}
      : { moments: { sum: moments.at("sum").sum(), sumOfSquares: moments.at("sumOfSquares").sum() } }),
    ...(channels === undefined ? {} : { channels: parseChannels(channels) }),
  };
}

function parseHistogram(place: Place): Histogram {
  const exponent = place.at("exponent").number();
  if (!Number.isInteger(exponent) || exponent < LEAST_EXPONENT || exponent > MOST_EXPONENT) {
    throw place.at("exponent").wrong(`must be a whole number from ${LEAST_EXPONENT} to ${MOST_EXPONENT}`);
  }
  const counts = (side: Place) => {
    const list = side.list();
    if (list.length > BINS) throw side.wrong(`has ${list.length} counts, more than ${BINS}`);
    const bins = new Float64Array(BINS);
    bins.set(list.map((count) => count.count()));
    return bins;
  };
  return { exponent, positive: counts(place.at("positive")), negative: counts(place.at("negative")) };
}

function parseChannels(place: Place): NonNullable<ValueObservations["channels"]> {
  const magnitudes = place
    .at("magnitudes")
    .list()
    .map((item) => item.number());
  const sums = place
    .at("sums")
    .list()
    .map((item) => item.sum());
  if (magnitudes.length !== sums.length) throw place.wrong("has unlike numbers of magnitudes and sums");
  return { magnitudes, sums };
}

/** A sum of float32 numbers has no more digits than this: 277 bits for each of them, and 2^63 of them. */
const MOST_DIGITS = 110;

/** A place in a JSON value, which knows how to say what is wrong with it. */
class Place {
  readonly value: unknown;
  readonly #path: string;
  readonly #file: string;

  constructor(value: unknown, path: string, file: string) {
    this.value = value;
    this.#path = path;
    this.#file = file;
  }

  at(key: string): Place {
    return this.optional(key) ?? new Place(undefined, this.#inner(key), this.#file);
  }

  optional(key: string): Place | undefined {
    if (typeof this.value !== "object" || this.value === null || Array.isArray(this.value)) {
      throw this.wrong("must be an object");
    }
    if (!Object.hasOwn(this.value, key)) return undefined;
    return new Place((this.value as Record<string, unknown>)[key], this.#inner(key), this.#file);
  }

  list(): Place[] {
    if (!Array.isArray(this.value)) throw this.wrong("must be a list");
    return this.value.map((item, index) => new Place(item, this.#inner(`${index}`), this.#file));
  }

  text(): string {
    if (typeof this.value === "string") return this.value;
    throw this.wrong("must be a text");
  }

  number(): number {
    if (typeof this.value === "number" && Number.isFinite(this.value)) return this.value;
    throw this.wrong("must be a number");
  }

  count(): number {
    if (Number.isSafeInteger(this.value) && (this.value as number) >= 0) return this.value as number;
    throw this.wrong("must be a whole number of at least 0");
  }

  sum(): bigint {
    if (typeof this.value === "string" && this.value.length <= MOST_DIGITS && /^-?\d+$/.test(this.value))
      return BigInt(this.value);
    throw this.wrong("must be a whole number as text");
  }

  wrong(problem: string): BoltqError {
    return new BoltqError("format", this.#path === "" ? problem : `"${this.#path}" ${problem}`, {
      file: this.#file,
      remedy: "Make the statistics again with boltq calibrate",
    });
  }

  #inner(key: string): string {
    return this.#path === "" ? key : `${this.#path}.${key}`;
  }
}
