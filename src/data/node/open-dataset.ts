import { BoltqError } from "../../io/error.ts";
import type { Signature } from "../../onnx/model.ts";
import { batchSize, joinExamples, ofOneExample } from "../batch.ts";
import type { Dataset, DatasetRange, Sample } from "../dataset.ts";
import { openAhead, readAhead } from "../read-ahead.ts";
import { findUnits, isUnreadable, type OpenUnit, type Unit } from "./units.ts";
import type { PictureOptions } from "./values.ts";

export interface OpenDatasetOptions extends DatasetRange, PictureOptions {}

/** Files whose bytes are read ahead, and samples that are made ready ahead, of whoever takes them. */
const FILES_AHEAD = 4;
const SAMPLES_AHEAD = 2;

/** Examples taken of a data set: a few bytes of a damaged or packed array may claim any number. */
const MAX_EXAMPLES = 1 << 22;

/**
 * Opens examples for a network: a folder (with sub-folders) of JPEG, PNG or WebP pictures, .npy or .npz arrays, a single
 * such file, or a JSON-lines list (.jsonl) that names files or holds numbers. An array whose first dimension is larger
 * than the model's batch of 1 holds one example a row. Where all inputs have a fixed batch above 1, that many examples
 * that follow each other are one sample. Throws `not-found`, `invalid-data`, `usage`, `mismatch`, `limit` or
 * `unsupported` when there are none or they cannot be the model's inputs.
 */
export async function openDataset(
  path: string,
  inputs: readonly Signature[],
  options: OpenDatasetOptions,
): Promise<Dataset> {
  if (inputs.length === 0) throw new BoltqError("unsupported", "the model takes no inputs", { file: path });
  const size = batchSize(inputs);
  const units = await findUnits(path, size === 1 ? inputs : inputs.map(ofOneExample), options);
  const examples = takeExamples(units, options, path);
  const { index, count } = options.shard ?? { index: 1, count: 1 };
  const all = inBatches(examples, size, path).filter((_, place) => place % count === index - 1);
  const batches = all.filter(({ length }) => length === size);
  const leftOver = all.find(({ length }) => length < size);
  return {
    length: batches.length,
    names: batches.map(nameOf),
    files: units.flatMap(({ paths }) => paths),
    samples: (onSkip = () => {}) => {
      if (leftOver !== undefined) onSkip(nameOf(leftOver), `the model takes ${size} examples at a time`);
      return readAhead(readBatches(batches, onSkip), SAMPLES_AHEAD);
    },
  };
}

/** One example of those that a unit holds. */
interface Example {
  readonly unit: Unit;
  readonly index: number;
}

type Group = readonly [Example, ...Example[]];

/** The examples of a sample: one, or as many as the model takes at a time. */
type Batch = Group;

/** The examples from `offset` on, `limit` at most. */
function takeExamples(units: readonly Unit[], { offset = 0, limit }: DatasetRange, path: string): Example[] {
  const total = units.reduce((sum, unit) => sum + unit.count, 0);
  if (offset >= total) {
    throw new BoltqError("usage", `there are ${total} examples, and ${offset} of them are left out`, {
      file: path,
      remedy: "Choose a smaller offset",
    });
  }
  const end = Math.min(total, offset + (limit ?? total));
  if (end - offset > MAX_EXAMPLES) {
    throw new BoltqError("limit", `there are ${end - offset} examples, more than ${MAX_EXAMPLES}`, {
      file: path,
      remedy: "Take a part of them (--limit, --offset)",
    });
  }
  const examples: Example[] = [];
  let start = 0;
  for (const unit of units) {
    const last = Math.min(unit.count, end - start);
    for (let index = Math.max(0, offset - start); index < last; index++) examples.push({ unit, index });
    start += unit.count;
  }
  return examples;
}

/** Examples that follow each other, `size` at a time; the last may be fewer. */
function inBatches(examples: readonly Example[], size: number, path: string): Batch[] {
  if (examples.length < size) {
    throw new BoltqError(
      "invalid-data",
      `the model takes ${size} examples at a time, but there are only ${examples.length}`,
      { file: path, remedy: `Give ${size} or more, or a model whose batch is 1 or of any size` },
    );
  }
  return Array.from(
    { length: Math.ceil(examples.length / size) },
    (_, index) => examples.slice(index * size, (index + 1) * size) as unknown as Batch,
  );
}

function nameOf(batch: Batch): string {
  const [{ unit }] = batch;
  if (batch.length === unit.count && batch.every((example) => example.unit === unit)) return unit.name;
  const names = batch.map(exampleName);
  return names.length === 1 ? names[0]! : `${names[0]} … ${names.at(-1)}`;
}

function exampleName({ unit, index }: Example): string {
  return unit.count > 1 ? `${unit.name}#${index}` : unit.name;
}

/** Reads the samples in order; one that has an unreadable example is left out whole. */
async function* readBatches(
  batches: readonly Batch[],
  onSkip: (name: string, reason: string) => void,
): AsyncGenerator<Sample> {
  let skipped = 0;
  const skip = (batch: Batch, error: BoltqError) => {
    onSkip(nameOf(batch), error.problem);
    skipped += 1;
    if (skipped * 2 <= batches.length) return;
    throw new BoltqError(
      "invalid-data",
      `${skipped} of ${batches.length} examples cannot be read; the last: ${error.message}`,
      { cause: error },
    );
  };
  const outcomes = readExamples(batches.flat());
  try {
    for (const batch of batches) {
      const parts: Sample["inputs"][] = [];
      let failure: BoltqError | undefined;
      for (let count = 0; count < batch.length; count++) {
        const outcome = (await outcomes.next()).value!;
        if (outcome instanceof BoltqError) failure ??= outcome;
        else parts.push(outcome);
      }
      if (failure === undefined) yield { name: nameOf(batch), inputs: joinExamples(parts) };
      else skip(batch, failure);
    }
  } finally {
    await outcomes.return(undefined);
  }
}

/** Reads the examples in order; gives an error in the place of each that is its file's fault. */
async function* readExamples(
  examples: readonly Example[],
): AsyncGenerator<Sample["inputs"] | BoltqError, undefined, undefined> {
  const close = (unit: OpenUnit) => void unit.close().catch(() => {});
  for (const [group, opening] of openAhead(byUnit(examples), FILES_AHEAD, ([first]) => first.unit.open(), close)) {
    let unit: OpenUnit | undefined;
    try {
      for (const { index } of group) {
        try {
          unit ??= await opening;
          yield await unit.read(index);
        } catch (error) {
          if (!isUnreadable(error)) throw error;
          yield error;
        }
      }
    } finally {
      await unit?.close();
    }
  }
  return undefined;
}

/** Examples that follow each other in the same unit. */
function* byUnit(examples: readonly Example[]): Generator<Group> {
  for (let start = 0; start < examples.length; ) {
    const { unit } = examples[start]!;
    let end = start + 1;
    while (examples[end]?.unit === unit) end += 1;
    yield examples.slice(start, end) as unknown as Group;
    start = end;
  }
}
