import { decodeImage } from "#data/decode-image";
import { byteLength, type DenseTensor, elementCount } from "../graph/tensor.ts";
import { BoltqError } from "../io/error.ts";
import type { Signature } from "../onnx/model.ts";
import { type ClosableSource, type DataFile, kindOf } from "./data-file.ts";
import { exampleCount, fitInput, fitPicture, pictureSize, requireFit } from "./fit-input.ts";
import type { ImageDecoder } from "./image/image.ts";
import { turned } from "./image/orientation.ts";
import { openNpy } from "./npy.ts";
import { type NpzEntry, readNpz } from "./npz.ts";
import { preprocess, type TargetSize } from "./preprocess/preprocess.ts";
import type { Preprocessing } from "./preprocess/specification.ts";

/** How pictures become inputs. */
export interface PictureOptions {
  readonly preprocessing: Preprocessing;
  /** Size of the pictures, where the model leaves it open. */
  readonly size?: TargetSize;
  /** Default: in Node @jsquash's; in a browser its own for JPEG and WebP. */
  readonly decodeImage?: ImageDecoder;
}

/** What one file, or one field of a list, gives for one input: a value for each of `count` examples. */
export interface Values {
  readonly count: number;
  read(index: number): Promise<DenseTensor>;
  close(): Promise<void>;
}

/** Picture files larger than this are not read. */
const MAX_PICTURE_BYTES = 1 << 28;

/** Bytes of one example in an array: what a packed file of little length can claim without being refused. */
const MAX_EXAMPLE_BYTES = 1 << 29;

/** Names in a message. */
const MAX_NAMES = 20;

/** Opens a picture or an array for one input; of an .npz file the array of the input's name, or the only one. */
export async function openValues(file: DataFile, input: Signature, options: PictureOptions): Promise<Values> {
  const kind = kindOf(file);
  if (kind === "picture") return openPicture(file, input, options);
  return kind === "npz"
    ? (await openArchive(file, [input])).get(input.name)!
    : openArray(file.open(), input, file.path);
}

/** The file's bytes are read now; it is decoded when it is asked for, when whoever took the last example has begun with it. */
async function openPicture(
  file: DataFile,
  input: Signature,
  { preprocessing, size, decodeImage: decode = decodeImage }: PictureOptions,
): Promise<Values> {
  const target = pictureSize(input, preprocessing, size);
  const bytes = await readBytes(file);
  return {
    count: 1,
    read: async () => {
      const image = await decode(bytes, file.path);
      const upright = preprocessing.bolt === undefined ? turned(image, image.orientation) : image;
      return fitPicture(preprocess(upright, preprocessing, target), input, file.path);
    },
    close: async () => {},
  };
}

async function readBytes(file: DataFile): Promise<Uint8Array> {
  const source = file.open();
  try {
    if (source.length <= MAX_PICTURE_BYTES) return await source.read();
    throw new BoltqError("limit", `the picture is ${source.length} bytes long, more than ${MAX_PICTURE_BYTES}`, {
      file: file.path,
    });
  } finally {
    await source.close();
  }
}

async function openArray(source: ClosableSource, input: Signature, place: string): Promise<Values> {
  try {
    const array = await openNpy(source);
    const count = exampleCount(array.shape, input);
    requireFit(count > 1 ? [1, ...array.shape.slice(1)] : array.shape, input, place);
    requireRoom(count > 1 ? array.rowBytes : byteLength(array.type, elementCount(array.shape)), place);
    return {
      count,
      read: async (index) => fitInput(count > 1 ? await array.readRow(index) : await array.read(), input, place),
      close: async () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Throws `limit` for an example that is too large to be held, before any of it is read. */
function requireRoom(bytes: number, place: string): void {
  if (bytes <= MAX_EXAMPLE_BYTES) return;
  throw new BoltqError("limit", `to read an example of it takes ${bytes} bytes, more than ${MAX_EXAMPLE_BYTES}`, {
    file: place,
    remedy: "Give smaller examples, or an array in C order",
  });
}

/** Opens the arrays of an .npz file for all `inputs`, by name, or by place where no name fits. */
export async function openArchive(
  { path, open }: DataFile,
  inputs: readonly Signature[],
): Promise<Map<string, Values>> {
  const file = open();
  const opened = new Map<string, Values>();
  try {
    const entries = matchEntries(await readNpz(file), inputs, path);
    for (const [index, input] of inputs.entries()) {
      opened.set(input.name, await openArray(await entries[index]!.open(), input, `${path}:${entries[index]!.name}`));
    }
  } catch (error) {
    await closeAll(opened.values());
    await file.close();
    throw error;
  }
  const [first] = opened;
  if (first !== undefined) {
    const [name, values] = first;
    opened.set(name, { ...values, close: async () => values.close().finally(() => file.close()) });
  }
  return opened;
}

function matchEntries(entries: readonly NpzEntry[], inputs: readonly Signature[], path: string): NpzEntry[] {
  const named = inputs.map((input) => entries.find((entry) => entry.name === input.name));
  if (named.every((entry) => entry !== undefined)) return named;
  if (named.every((entry) => entry === undefined) && entries.length === inputs.length) return [...entries];
  throw new BoltqError("mismatch", `it has the arrays ${nameList(entries)}, but the model takes ${nameList(inputs)}`, {
    file: path,
    remedy: "Name the arrays as the model's inputs",
  });
}

function nameList(things: readonly { readonly name: string }[]): string {
  const shown = things.slice(0, MAX_NAMES).map(({ name }) => `"${name}"`);
  return [...shown, ...(things.length > MAX_NAMES ? ["…"] : [])].join(", ") || "none";
}

/** What stands in a list itself. */
export function inlineValues(tensor: DenseTensor, input: Signature, place: string): Values {
  const count = exampleCount(tensor.shape, input);
  const rowShape = [1, ...tensor.shape.slice(1)];
  requireFit(count > 1 ? rowShape : tensor.shape, input, place);
  const length = tensor.data.length / count;
  const row = (index: number): DenseTensor => ({
    type: tensor.type,
    shape: rowShape,
    data: tensor.data.slice(index * length, (index + 1) * length),
  });
  return {
    count,
    read: async (index) => fitInput(count > 1 ? row(index) : tensor, input, place),
    close: async () => {},
  };
}

export async function closeAll(values: Iterable<Values>): Promise<void> {
  for (const value of values) await value.close();
}
