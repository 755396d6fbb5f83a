import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, extname, join } from "node:path";
import type { DenseTensor } from "../../graph/tensor.ts";
import { BoltqError } from "../../io/error.ts";
import { fileSource } from "../../io/node/file-source.ts";
import type { Signature } from "../../onnx/model.ts";
import { type Dataset, type DatasetRange, pictureSize, requireShape, type Sample, takeRange } from "../dataset.ts";
import { readJpegHeader, turned } from "../image/jpeg.ts";
import { decodeJpeg } from "../image/node/load-jpeg.ts";
import { readNpy } from "../npy.ts";
import { preprocess, type TargetSize } from "../preprocess/preprocess.ts";
import type { Preprocessing } from "../preprocess/specification.ts";

export interface OpenDatasetOptions extends DatasetRange {
  /** How pictures become inputs. */
  readonly preprocessing: Preprocessing;
  /** Size of the pictures, where the model leaves it open. */
  readonly size?: TargetSize;
}

/** Kinds of files that are examples, by suffix. */
const READERS: Readonly<
  Record<string, (path: string, input: Signature, options: OpenDatasetOptions) => Promise<DenseTensor>>
> = {
  ".jpg": readPicture,
  ".jpeg": readPicture,
  ".npy": readArray,
};

/**
 * Opens a folder of JPEG pictures or .npy arrays, or a single such file, as examples for a network with one input. Files
 * of a folder are taken in the order of their names. Throws `not-found` or `invalid-data` when there are none.
 */
export function openDataset(path: string, inputs: readonly Signature[], options: OpenDatasetOptions): Dataset {
  const [input, ...others] = inputs;
  if (input === undefined || others.length > 0) {
    throw new BoltqError("unsupported", `a folder gives one input, but the model takes ${inputs.length}`, {
      file: path,
    });
  }
  const files = takeRange(findFiles(path), options);
  return { length: files.length, samples: (onSkip = () => {}) => readSamples(files, input, options, onSkip) };
}

function findFiles(path: string): string[] {
  const isKnown = (name: string) => Object.hasOwn(READERS, extname(name).toLowerCase());
  const files = list(path).filter(isKnown).sort();
  if (files.length > 0) return files;
  throw new BoltqError("invalid-data", "there are no examples here", {
    file: path,
    remedy: "Give a folder with .jpg or .npy files",
  });
}

function list(path: string): string[] {
  try {
    return statSync(path).isDirectory() ? readdirSync(path).map((name) => join(path, name)) : [path];
  } catch (cause) {
    throw new BoltqError("not-found", "there is no such file or folder", {
      file: path,
      cause,
      remedy: "Check the path of the data",
    });
  }
}

async function* readSamples(
  files: readonly string[],
  input: Signature,
  options: OpenDatasetOptions,
  onSkip: (name: string, reason: string) => void,
): AsyncGenerator<Sample> {
  let skipped = 0;
  for (const file of files) {
    try {
      const tensor = await READERS[extname(file).toLowerCase()]!(file, input, options);
      yield { name: basename(file), inputs: new Map([[input.name, tensor]]) };
    } catch (error) {
      if (!(error instanceof BoltqError) || !/^(format|truncated|limit)$/.test(error.code)) throw error;
      onSkip(basename(file), error.problem);
      if (++skipped * 2 > files.length) {
        throw new BoltqError("invalid-data", "more than half of the examples cannot be read", { file, cause: error });
      }
    }
  }
}

async function readPicture(
  path: string,
  input: Signature,
  { preprocessing, size }: OpenDatasetOptions,
): Promise<DenseTensor> {
  const bytes = new Uint8Array(readFileSync(path));
  const { orientation } = readJpegHeader(bytes, path);
  const image = await decodeJpeg(bytes, path);
  const upright = preprocessing.bolt === undefined ? turned(image, orientation) : image;
  return preprocess(upright, preprocessing, pictureSize(input, preprocessing, size));
}

async function readArray(path: string, input: Signature): Promise<DenseTensor> {
  const source = fileSource(path);
  try {
    const tensor = await readNpy(source);
    requireShape(tensor, input, path);
    return tensor;
  } finally {
    source.close();
  }
}
