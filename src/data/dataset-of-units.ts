import { BoltqError } from "../io/error.ts";
import type { Signature } from "../onnx/model.ts";
import { batchSize, joinExamples, ofOneExample } from "./batch.ts";
import type { Dataset, DatasetRange, Sample } from "./dataset.ts";
import { openAhead, readAhead } from "./read-ahead.ts";
import { isUnreadable, type OpenUnit, type Unit } from "./units.ts";

/** Files whose bytes are read ahead, and samples that are made ready ahead, of whoever takes them. */
const FILES_AHEAD = 4;
const SAMPLES_AHEAD = 2;

/** Examples taken of a data set: a few bytes of a damaged or packed array may claim any number. */
const MAX_EXAMPLES = 1 << 22;

/**
 * The examples that units hold as a data set. `findUnits` is called with the inputs as they are for one example: where all
 * inputs have a fixed batch above 1, that many examples that follow each other are one sample. `place` is for messages.
 */
export async function datasetOf(
  findUnits: (inputs: readonly Signature[]) => Promise<readonly Unit[]>,
  inputs: readonly Signature[],
  options: DatasetRange,
  place: string,
): Promise<Dataset> {
  if (inputs.length === 0) throw new BoltqError("unsupported", "the model takes no inputs", { file: place });
  const size = batchSize(inputs);
  const units = await findUnits(size === 1 ? inputs : inputs.map(ofOneExample));
  const examples = takeExamples(units, options, place);
  const { index, count } = options.shard ?? { index: 1, count: 1 };
  const batches = inBatches(examples, size).filter((_, position) => position % count === index - 1);
  return {
    length: batches.length,
    names: batches.map(nameOf),
    files: units.flatMap(({ paths }) => paths),
    samples: (onSkip = () => {}) => readAhead(readBatches(batches, size, onSkip), SAMPLES_AHEAD),
  };
}

/** One example of those that a unit holds. */
interface Example {
  readonly unit: Unit;
  readonly index: number;
}

/** Examples that follow each other: those of a sample, or of a unit. */
type Batch = readonly [Example, ...Example[]];

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
function inBatches(examples: readonly Example[], size: number): Batch[] {
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

/** Reads the samples in order; what cannot be read is left out, and a batch that lacks examples has others twice. */
async function* readBatches(
  batches: readonly Batch[],
  size: number,
  onSkip: (name: string, reason: string) => void,
): AsyncGenerator<Sample> {
  const examples = batches.flat();
  let skipped = 0;
  const skip = (example: Example, error: BoltqError) => {
    onSkip(exampleName(example), error.problem);
    skipped += 1;
    if (skipped * 2 <= examples.length) return;
    throw new BoltqError(
      "invalid-data",
      `${skipped} of ${examples.length} examples cannot be read; the last: ${error.message}`,
      { cause: error },
    );
  };
  const outcomes = readExamples(examples);
  try {
    for (const batch of batches) {
      const [read, parts]: [Example[], Sample["inputs"][]] = [[], []];
      for (const example of batch) {
        const outcome = (await outcomes.next()).value!;
        if (outcome instanceof BoltqError) skip(example, outcome);
        else {
          read.push(example);
          parts.push(outcome);
        }
      }
      if (!isBatch(read)) continue;
      const filled = Array.from({ length: size }, (_, index) => parts[index % parts.length]!);
      yield { name: nameOf(read), inputs: joinExamples(filled) };
    }
  } finally {
    await outcomes.return(undefined);
  }
}

const isBatch = (examples: readonly Example[]): examples is Batch => examples.length > 0;

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
function* byUnit(examples: readonly Example[]): Generator<Batch> {
  for (let start = 0; start < examples.length; ) {
    const { unit } = examples[start]!;
    let end = start + 1;
    while (examples[end]?.unit === unit) end += 1;
    yield examples.slice(start, end) as unknown as Batch;
    start = end;
  }
}
