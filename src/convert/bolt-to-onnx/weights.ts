import { STORAGE_BITS } from "../../bolt/data-type.ts";
import type { BoltWeight } from "../../bolt/model.ts";
import { readVectorValues, readWeightValues, weightCount } from "../../bolt/weight-values.ts";
import { elementCount, type Tensor } from "../../graph/tensor.ts";
import { type Bytes, checkRange, rangeOf } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";

/** Elements are decoded in groups of 8, so that a group starts on a whole byte in every storage type. */
const GROUP = 8;
const FLOAT_BYTES = 4;

/**
 * `shape` elements of a weight from element `start`, as float32: the file's own bytes where they are that already, else
 * decoded when they are read. Throws `format` when the record has too few.
 */
export function weightTensor(record: BoltWeight, shape: readonly number[], start = 0): Tensor {
  const count = elementCount(shape);
  if (start + count > weightCount(record)) {
    throw new BoltqError("format", `its weight has ${weightCount(record)} elements, but ${start + count} are needed`, {
      subject: `operator "${record.operator}"`,
    });
  }
  const plain = record.dataType === "F32";
  const data = plain
    ? rangeOf(record.weight, start * FLOAT_BYTES, count * FLOAT_BYTES)
    : decodedBytes(record, start, count);
  return { type: "float32", shape, data };
}

/** The whole numbers that a quantized weight stores, as float32; decoded when they are read. */
export function levelTensor(record: BoltWeight, shape: readonly number[]): Tensor {
  return weightTensor({ ...record, scales: [Float32Array.of(1)] }, shape);
}

/**
 * The `count` numbers of a record's vector (bias, beta, variance), or undefined when it has none. Whether they are
 * float32 or float16 shows in their length. Throws `format` when it fits neither.
 */
export async function vectorValues(record: BoltWeight | undefined, count: number): Promise<Float32Array | undefined> {
  if (record === undefined || record.vector.length === 0) return undefined;
  if (record.vector.length === count * FLOAT_BYTES) return readVectorValues(record, "F32");
  if (record.vector.length === count * 2) return readVectorValues(record, "F16");
  throw new BoltqError("format", `its vector has ${record.vector.length} bytes, which is not ${count} numbers`, {
    subject: `operator "${record.operator}"`,
  });
}

function decodedBytes(record: BoltWeight, start: number, count: number): Bytes {
  const length = count * FLOAT_BYTES;
  return {
    length,
    read: async (offset = 0, size = length - offset) => {
      checkRange(length, offset, size);
      const from = start + Math.floor(offset / FLOAT_BYTES);
      const to = start + Math.ceil((offset + size) / FLOAT_BYTES);
      const values = await decode(record, from, to);
      return new Uint8Array(values.buffer, values.byteOffset + (offset % FLOAT_BYTES), size);
    },
  };
}

async function decode(record: BoltWeight, from: number, to: number): Promise<Float32Array> {
  const bits = STORAGE_BITS[record.dataType];
  const first = Math.floor(from / GROUP) * GROUP;
  const startByte = (first * bits) / 8;
  const endByte = Math.min(record.weight.length, Math.ceil((to * bits) / 8));
  const part = { ...record, weight: rangeOf(record.weight, startByte, endByte - startByte) };
  return (await readWeightValues(part)).subarray(from - first, to - first);
}
