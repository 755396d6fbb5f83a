import type { DenseTensor } from "../graph/tensor.ts";
import { BoltqError } from "../io/error.ts";

/** One example: a value for each input of a network, by name. */
export interface Sample {
  /** The file it came from, its path in the data's folder; `file#0`, `file#1`, … where a file holds several. */
  readonly name: string;
  readonly inputs: ReadonlyMap<string, DenseTensor>;
}

/** Examples in a fixed order, read a few ahead of whoever takes them. */
export interface Dataset {
  /** How many examples there are, if all can be read. */
  readonly length: number;
  /** Their names, in order. */
  readonly names: readonly string[];
  /** Paths of the files that the examples are read from, where they come from files. */
  readonly files?: readonly string[];
  /** Reads the examples; one that cannot be read is left out and given to `onSkip` with the reason. */
  samples(onSkip?: (name: string, reason: string) => void): AsyncIterable<Sample>;
}

/** The first `count` examples of a data set alone, one at least. */
export async function* firstSamples(dataset: Dataset, count: number): AsyncGenerator<Sample> {
  let taken = 0;
  for await (const sample of dataset.samples()) {
    yield sample;
    taken += 1;
    if (taken === count) return;
  }
}

/** Part `index` (from 1) of `count`: every `count`-th example. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** Which part of a data set to take: first `offset` and `limit` count, then `shard` divides what is left. */
export interface DatasetRange {
  /** Leave out that many at the start. Default 0. */
  readonly offset?: number;
  /** Take at most that many. Default all. */
  readonly limit?: number;
  /** Of these take the `index`-th and every `count`-th after it. Default all. */
  readonly shard?: Shard;
}

/** A shard as people write it: "3/8" is the third of eight. Throws `usage`. */
export function parseShard(text: string): Shard {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (shard.index >= 1 && shard.index <= shard.count && Number.isSafeInteger(shard.count)) return shard;
  throw new BoltqError("usage", `"${text}" is no shard`, { remedy: "Give PART/PARTS, such as 3/8" });
}

/** Examples to run models on: a data set, or samples as they come. */
export type Examples = Pick<Dataset, "samples"> | AsyncIterable<Sample>;

/** The samples of either kind; `onSkip` hears of those of a data set that cannot be read. */
export function samplesOf(examples: Examples, onSkip?: (name: string, reason: string) => void): AsyncIterable<Sample> {
  return "samples" in examples ? examples.samples(onSkip) : examples;
}
