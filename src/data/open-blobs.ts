import { blobSource } from "../io/bytes.ts";
import { BoltqError } from "../io/error.ts";
import type { Signature } from "../onnx/model.ts";
import { DATA_SUFFIXES, type DataFile } from "./data-file.ts";
import type { Dataset, DatasetRange } from "./dataset.ts";
import { datasetOf } from "./dataset-of-units.ts";
import { unitsOfFiles } from "./units.ts";
import type { PictureOptions } from "./values.ts";

export interface OpenBlobsOptions extends DatasetRange, PictureOptions {}

/** A Blob, or a File that says what it is called: `webkitRelativePath` where a folder was chosen. */
export interface NamedBlob extends Blob {
  readonly name?: string;
  readonly webkitRelativePath?: string;
}

/**
 * Opens examples for a network: files that the user has chosen or dropped, or Blobs. Those with a name are told by its
 * suffix (.jpg, .jpeg, .png, .webp, .npy, .npz; others are left out) and sorted by it; those without are pictures. As
 * `openDataset` of Node does with a folder, and throws as that does.
 */
export async function openBlobs(
  blobs: Iterable<NamedBlob>,
  inputs: readonly Signature[],
  options: OpenBlobsOptions,
): Promise<Dataset> {
  const files = [...blobs].flatMap(dataFile).sort((left, right) => (left.name < right.name ? -1 : 1));
  if (files.length === 0) {
    throw new BoltqError("invalid-data", "there are no examples among the files", {
      remedy: `Give files that end in ${DATA_SUFFIXES.join(", ")}`,
    });
  }
  return datasetOf((oneExample) => unitsOfFiles(files, oneExample, options), inputs, options, "(files)");
}

/** Digits of a nameless Blob's number, so that these stay in their order when they are sorted. */
const NUMBER_DIGITS = 7;

function dataFile(blob: NamedBlob, index: number): DataFile[] {
  const given = blob.webkitRelativePath || blob.name || undefined;
  if (given !== undefined && !DATA_SUFFIXES.some((suffix) => given.toLowerCase().endsWith(suffix))) return [];
  const name = given ?? `${index}`.padStart(NUMBER_DIGITS, "0");
  return [{ name, path: name, open: () => ({ ...blobSource(blob, name), close: () => {} }) }];
}
