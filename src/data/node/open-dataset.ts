import { BoltqError } from "../../io/error.ts";
import type { Signature } from "../../onnx/model.ts";
import { type Dataset, type DatasetRange, type Sample, takeRange } from "../dataset.ts";
import { openAhead, readAhead } from "../read-ahead.ts";
import { findUnits, isUnreadable, type OpenUnit, type Unit } from "./units.ts";
import type { PictureOptions } from "./values.ts";

export interface OpenDatasetOptions extends DatasetRange, PictureOptions {}

/** Files whose bytes are read ahead, and examples that are made ready ahead, of whoever takes them. */
const FILES_AHEAD = 4;
const EXAMPLES_AHEAD = 2;

/**
 * Opens examples for a network: a folder (with sub-folders) of JPEG, PNG or WebP pictures, .npy or .npz arrays, a single
 * such file, or a JSON-lines list (.jsonl) that names files or holds numbers. An array whose first dimension is larger
 * than the model's batch of 1 holds one example a row. Throws `not-found`, `invalid-data`, `usage`, `mismatch` or
 * `unsupported` when there are none or they cannot be the model's inputs.
 */
export async function openDataset(
  path: string,
  inputs: readonly Signature[],
  options: OpenDatasetOptions,
): Promise<Dataset> {
  if (inputs.length === 0) throw new BoltqError("unsupported", "the model takes no inputs", { file: path });
  const units = await findUnits(path, inputs, options);
  const all = units.flatMap((unit) => Array.from({ length: unit.count }, (_, index): Example => ({ unit, index })));
  const { offset = 0 } = options;
  if (offset >= all.length) {
    throw new BoltqError("usage", `there are ${all.length} examples, and ${offset} of them are left out`, {
      file: path,
      remedy: "Choose a smaller offset",
    });
  }
  const examples = takeRange(all, options);
  return {
    length: examples.length,
    names: examples.map(nameOf),
    files: units.flatMap(({ paths }) => paths),
    samples: (onSkip = () => {}) => readAhead(readExamples(examples, onSkip), EXAMPLES_AHEAD),
  };
}

/** One example of those that a unit holds. */
interface Example {
  readonly unit: Unit;
  readonly index: number;
}

function nameOf({ unit, index }: Example): string {
  return unit.count > 1 ? `${unit.name}#${index}` : unit.name;
}

async function* readExamples(
  examples: readonly Example[],
  onSkip: (name: string, reason: string) => void,
): AsyncGenerator<Sample> {
  let skipped = 0;
  const skip = (example: Example, error: unknown) => {
    if (!isUnreadable(error)) throw error;
    onSkip(nameOf(example), error.problem);
    skipped += 1;
    if (skipped * 2 <= examples.length) return;
    throw new BoltqError(
      "invalid-data",
      `${skipped} of ${examples.length} examples cannot be read; the last: ${error.message}`,
      { cause: error },
    );
  };
  const close = (unit: OpenUnit) => void unit.close().catch(() => {});
  for (const [group, opening] of openAhead(byUnit(examples), FILES_AHEAD, ([first]) => first.unit.open(), close)) {
    let unit: OpenUnit | undefined;
    try {
      for (const example of group) {
        try {
          unit ??= await opening;
          yield { name: nameOf(example), inputs: await unit.read(example.index) };
        } catch (error) {
          skip(example, error);
        }
      }
    } finally {
      await unit?.close();
    }
  }
}

type Group = readonly [Example, ...Example[]];

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
