import { extname } from "node:path";
import { fileSource } from "../../io/node/file-source.ts";
import type { Signature } from "../../onnx/model.ts";
import { DATA_SUFFIXES, type DataFile } from "../data-file.ts";
import type { Dataset, DatasetRange } from "../dataset.ts";
import { datasetOf } from "../dataset-of-units.ts";
import type { OpenTokenizer } from "../tokens/token-fields.ts";
import { type DataLine, type Unit, unitsOfFiles, unitsOfLines } from "../units.ts";
import type { PictureOptions } from "../values.ts";
import { type FoundFile, findFiles } from "./find-files.ts";
import { type ListLine, readList, TEXT_SUFFIX } from "./read-list.ts";

export interface OpenDatasetOptions extends DatasetRange, PictureOptions {
  /** Gives the model's tokenizer when a text is met; without it texts are an error. */
  readonly openTokenizer?: OpenTokenizer | undefined;
}

const LISTS = [".jsonl", ".ndjson", TEXT_SUFFIX];

/**
 * Opens examples for a network: a folder (with sub-folders) of JPEG, PNG or WebP pictures, .npy or .npz arrays, a single
 * such file, a JSON-lines list (.jsonl) that names files or holds numbers or texts, or texts, one a line (.txt). An array whose first dimension is larger
 * than the model's batch of 1 holds one example a row. Where all inputs have a fixed batch above 1, that many examples
 * that follow each other are one sample. Throws `not-found`, `invalid-data`, `usage`, `mismatch`, `limit` or
 * `unsupported` when there are none or they cannot be the model's inputs.
 */
export async function openDataset(
  path: string,
  inputs: readonly Signature[],
  options: OpenDatasetOptions,
): Promise<Dataset> {
  return datasetOf((oneExample) => findUnits(path, oneExample, options), inputs, options, path);
}

async function findUnits(path: string, inputs: readonly Signature[], options: OpenDatasetOptions): Promise<Unit[]> {
  if (LISTS.includes(extname(path).toLowerCase())) {
    return unitsOfLines((await readList(path, inputs, options.openTokenizer)).map(dataLine), inputs, options);
  }
  return unitsOfFiles(findFiles(path, DATA_SUFFIXES).map(dataFile), inputs, options);
}

function dataFile({ path, name }: FoundFile): DataFile {
  return { path, name, open: () => fileSource(path) };
}

function dataLine({ name, place, read }: ListLine): DataLine {
  return {
    name,
    place,
    read: async () =>
      new Map(
        [...(await read())].map(([input, value]) => [
          input,
          typeof value === "string" ? dataFile({ path: value, name: value }) : value,
        ]),
      ),
  };
}
