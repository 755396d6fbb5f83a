import { byteLength, type DenseTensor, ELEMENT_BITS, type ElementType, elementCount } from "../graph/tensor.ts";
import { checkRange, type Source } from "../io/bytes.ts";
import { BoltqError } from "../io/error.ts";

const MAGIC = "\x93NUMPY";

/** Dimensions in one array: what NumPy 2 allows. */
const MAX_DIMENSIONS = 64;

/** Element types by NumPy's kind and size. */
const TYPES: Readonly<Record<string, ElementType>> = {
  f2: "float16",
  f4: "float32",
  f8: "float64",
  i1: "int8",
  i2: "int16",
  i4: "int32",
  i8: "int64",
  u1: "uint8",
  u2: "uint16",
  u4: "uint32",
  u8: "uint64",
  b1: "bool",
};

/** Bytes of a header; NumPy itself reads 10,000. */
const MAX_HEADER_BYTES = 1 << 16;

/** An array in a .npy file; its elements are read when they are asked for. */
export interface NpyArray {
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** All of it, little-endian and row-major. */
  read(): Promise<DenseTensor>;
  /** Bytes that are in memory while a row is read: the whole array where its rows do not lie together. */
  readonly rowBytes: number;
  /** One index of the first dimension, as a first dimension of 1. Rows that lie together are read alone. */
  readRow(index: number): Promise<DenseTensor>;
}

/** Reads the header of a NumPy array (.npy, versions 1 to 3). Throws BoltqError `format`, `truncated` or `unsupported`. */
export async function openNpy(source: Source): Promise<NpyArray> {
  const { header, start } = await readHeader(source);
  const { type, size, swapped, fortran, shape } = parseHeader(header, source.name);
  const length = byteLength(type, elementCount(shape));
  checkRange(source.length, start, length, source.name);
  const readBytes = async (offset: number, count: number) => {
    const data = await source.read(start + offset, count);
    return swapped ? swappedBytes(data, size) : data;
  };
  const readAll = async () => {
    const data = await readBytes(0, length);
    return { type, shape, data: fortran ? rowMajor(data, shape, size) : data };
  };
  const rowShape = [1, ...shape.slice(1)];
  const rowLength = byteLength(type, elementCount(rowShape));
  let all: Promise<DenseTensor> | undefined;
  return {
    type,
    shape,
    rowBytes: fortran ? length : rowLength,
    read: readAll,
    readRow: async (index) => {
      if (!fortran) return { type, shape: rowShape, data: await readBytes(index * rowLength, rowLength) };
      all ??= readAll();
      const { data } = await all;
      return { type, shape: rowShape, data: data.slice(index * rowLength, (index + 1) * rowLength) };
    },
  };
}

/**
 * Reads a NumPy array of any plain type, byte order and memory order; the result is little-endian and row-major. Throws
 * BoltqError `format`, `truncated` or `unsupported`.
 */
export async function readNpy(source: Source): Promise<DenseTensor> {
  return (await openNpy(source)).read();
}

async function readHeader(source: Source): Promise<{ header: string; start: number }> {
  const head = await source.read(0, Math.min(12, source.length));
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length < 10 || latin1(head.subarray(0, 6)) !== MAGIC) {
    throw new BoltqError("format", "this is no NumPy array", { file: source.name, remedy: "Give a .npy file" });
  }
  const wide = head[6]! >= 2;
  const start = wide ? 12 : 10;
  const length = wide ? (head.length < 12 ? 0 : view.getUint32(8, true)) : view.getUint16(8, true);
  if (length > MAX_HEADER_BYTES) {
    throw new BoltqError("limit", `the header is ${length} bytes long, more than ${MAX_HEADER_BYTES}`, {
      file: source.name,
    });
  }
  checkRange(source.length, start, length, source.name);
  return { header: latin1(await source.read(start, length)), start: start + length };
}

function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (code) => String.fromCharCode(code)).join("");
}

function parseHeader(header: string, file: string) {
  const description = /'descr':\s*'([<>|=])([a-z])(\d+)'/.exec(header);
  const order = /'fortran_order':\s*(True|False)/.exec(header);
  const dimensions = /'shape':\s*\(([\d,\s]*)\)/.exec(header);
  const type = description === null ? undefined : TYPES[`${description[2]}${description[3]}`];
  if (type === undefined || order === null || dimensions === null) {
    throw new BoltqError("unsupported", `an array with the header ${header.trim()} cannot be read`, {
      file,
      remedy: "Save it as a plain array of numbers",
    });
  }
  const shape = dimensions[1]!.split(",").flatMap((size) => (size.trim() === "" ? [] : [Number(size)]));
  if (shape.length > MAX_DIMENSIONS || !Number.isSafeInteger(elementCount(shape))) {
    throw new BoltqError("format", `(${shape.join(", ")}) is no valid shape`, { file });
  }
  return { type, size: ELEMENT_BITS[type] / 8, swapped: description![1] === ">", fortran: order[1] === "True", shape };
}

function swappedBytes(data: Uint8Array, size: number): Uint8Array {
  const result = data.slice();
  for (let start = 0; start < result.length; start += size) result.subarray(start, start + size).reverse();
  return result;
}

/** Turns column-major data, first axis fastest, to row-major. */
function rowMajor(data: Uint8Array, shape: readonly number[], size: number): Uint8Array {
  const result = new Uint8Array(data.length);
  const count = elementCount(shape);
  const position = new Array<number>(shape.length).fill(0);
  for (let source = 0; source < count; source++) {
    const target = position.reduce((sum, index, axis) => sum * shape[axis]! + index, 0);
    result.set(data.subarray(source * size, (source + 1) * size), target * size);
    for (let axis = 0; axis < shape.length && ++position[axis]! === shape[axis]; axis++) position[axis] = 0;
  }
  return result;
}

const KINDS = new Map(Object.entries(TYPES).map(([kind, type]) => [type, kind]));

/** A tensor as a .npy file. Throws `unsupported` for element types that NumPy lacks. */
export function writeNpy({ type, shape, data }: DenseTensor): Uint8Array {
  const kind = KINDS.get(type);
  if (kind === undefined) throw new BoltqError("unsupported", `NumPy has no element type ${type}`);
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const order = ELEMENT_BITS[type] === 8 ? "|" : "<";
  const text = `{'descr': '${order}${kind}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const padded = `${text.padEnd(Math.ceil((10 + text.length + 1) / 64) * 64 - 11)}\n`;
  const file = new Uint8Array(10 + padded.length + data.length);
  file.set(Array.from(MAGIC, (character) => character.charCodeAt(0)));
  file[6] = 1;
  new DataView(file.buffer).setUint16(8, padded.length, true);
  for (let index = 0; index < padded.length; index++) file[10 + index] = padded.charCodeAt(index);
  file.set(data, 10 + padded.length);
  return file;
}
