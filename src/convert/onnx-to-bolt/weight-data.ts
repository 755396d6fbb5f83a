import type { BoltDataType } from "../../bolt/data-type.ts";
import { floatBytes } from "../../bolt/lazy-floats.ts";
import type { ElementType } from "../../graph/tensor.ts";
import { type Bytes, memoryBytes } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import { releaseBuffers } from "../../io/release-memory.ts";
import type { OnnxTensor } from "../../onnx/model.ts";
import { integersOf, numbersOf } from "../../onnx/tensor-data.ts";
import { cutToInt32 } from "./lowering.ts";

/** Bolt's type for the elements of an ONNX tensor: 64-bit integers are cut to 32 bits, floats are float32. */
const KEPT_TYPES: Partial<Record<ElementType, BoltDataType>> = {
  float32: "F32",
  float16: "F32",
  float64: "F32",
  bfloat16: "F32",
  int64: "I32",
  int32: "I32",
  uint64: "I32",
  uint32: "I32",
  int16: "I32",
  uint16: "I32",
  int8: "I8",
  uint8: "U8",
  bool: "U8",
};

/** Throws `unsupported` for element types that Bolt has none for. */
export function boltTypeOf(type: ElementType): BoltDataType {
  const kept = KEPT_TYPES[type];
  if (kept === undefined) throw new BoltqError("unsupported", `Bolt has no tensors of type ${type}`);
  return kept;
}

/** A constant's data in Bolt's type; float32 data is shared with the file, not copied. */
export async function boltData(tensor: OnnxTensor): Promise<Bytes> {
  if (boltTypeOf(tensor.type) === "F32") return floatData(tensor);
  if (boltTypeOf(tensor.type) !== "I32" || tensor.type === "int32" || tensor.type === "uint32") return tensor.data;
  const integers = Int32Array.from(await integersOf(tensor), cutToInt32);
  return memoryBytes(new Uint8Array(integers.buffer));
}

/** A constant's data as float32. */
export async function floatData(tensor: OnnxTensor): Promise<Bytes> {
  return tensor.type === "float32" ? tensor.data : floatBytes(await numbersOf(tensor));
}

const FLOAT_BYTES = 4;

/** How much of a matrix is turned at a time. */
const MOST_BLOCK_BYTES = 1 << 24;

/** A matrix of `rows` by `columns` in float32, turned to columns by rows, some columns at a time, when it is read. */
export function transposed(tensor: OnnxTensor, rows: number, columns: number): Bytes {
  const columnBytes = FLOAT_BYTES * rows;
  const length = columnBytes * columns;
  const perBlock = Math.max(1, Math.floor(MOST_BLOCK_BYTES / columnBytes));
  let floats: Promise<Bytes> | undefined;
  let block: { readonly first: number; readonly bytes: Uint8Array } | undefined;
  return {
    length,
    read: async (offset = 0, count = length - offset) => {
      floats ??= floatData(tensor);
      const result = new Uint8Array(count);
      for (let done = 0; done < count; ) {
        const first = perBlock * Math.floor((offset + done) / (perBlock * columnBytes));
        if (block?.first !== first) {
          if (block !== undefined) releaseBuffers([block.bytes.buffer as ArrayBuffer]);
          const last = Math.min(columns, first + perBlock);
          block = { first, bytes: await turnColumns(await floats, rows, columns, first, last) };
        }
        const part = block.bytes.subarray(offset + done - first * columnBytes).subarray(0, count - done);
        result.set(part, done);
        done += part.length;
      }
      if (offset + count === length) [block, floats] = [undefined, undefined];
      return result;
    },
  };
}

/** The columns from `first` to before `last`, one after the other. */
async function turnColumns(
  matrix: Bytes,
  rows: number,
  columns: number,
  first: number,
  last: number,
): Promise<Uint8Array> {
  const turned = new Float32Array(rows * (last - first));
  const values = new Float32Array(last - first);
  const room = new Uint8Array(values.buffer);
  for (let row = 0; row < rows; row++) {
    const bytes = await matrix.read(FLOAT_BYTES * (row * columns + first), room.length, room);
    if (bytes.buffer !== room.buffer) room.set(bytes);
    for (let index = 0; index < values.length; index++) turned[index * rows + row] = values[index]!;
  }
  return new Uint8Array(turned.buffer);
}
