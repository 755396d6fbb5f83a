import { type BoltDataType, STORAGE_BITS } from "../../bolt/data-type.ts";
import type { BoltWeight } from "../../bolt/model.ts";
import { narrowToFloat16 } from "../../graph/float16.ts";
import { type Bytes, chunksOf } from "../../io/bytes.ts";
import { quantizeInt4 } from "../formats/int4.ts";
import { clampForInt8, largestInt8Error, largestMagnitude, quantizeInt8, type TieRule } from "../formats/int8.ts";
import type { WeightStorage } from "./storage.ts";

/** Converts float32 numbers to their stored form. `target` has room for exactly that. */
type Encode = (values: Float32Array, target: Uint8Array) => void;

const INT8_STORED = new Set<BoltDataType>(["I8", "F32_8Q", "F16_8Q"]);

/** Stores a float32 record as `storage` says. The weight is converted piece by piece when it is read. */
export async function convertWeight(record: BoltWeight, storage: WeightStorage, ties: TieRule): Promise<BoltWeight> {
  const vector = storage.vectorType === "F16" ? encoded(record.vector, 16, encodeFloat16) : record.vector;
  const { type } = storage;
  if (INT8_STORED.has(type)) return { ...record, dataType: type, vector, ...(await int8(record, ties)) };
  if (type === "I4") return { ...record, dataType: type, vector, ...(await int4(record)) };
  return { ...record, dataType: type, vector, weight: plain(record, type) };
}

async function int8(record: BoltWeight, ties: TieRule): Promise<Pick<BoltWeight, "weight" | "scales">> {
  const largest = await largestOf(record.weight);
  const scale = scaleOf(record, 127, largest);
  const fits = scale === scaleFor(127, largest);
  const weight = encoded(record.weight, 8, (values, target) => {
    const kept = fits ? values : clampForInt8(values, scale);
    quantizeInt8(kept, scale, ties, new Int8Array(target.buffer, target.byteOffset, target.length));
  });
  return { weight, scales: [Float32Array.of(scale)] };
}

async function int4(record: BoltWeight): Promise<Pick<BoltWeight, "weight" | "scales">> {
  const largest = await largestOf(record.weight);
  const weight = encoded(record.weight, 4, (values, target) => quantizeInt4(values, largest, target));
  return { weight, scales: [Float32Array.of(scaleOf(record, 7, largest))] };
}

/** levels / largest; a scale that the record has already wins where it is greater. */
function scaleOf(record: BoltWeight, levels: number, largest: number): number {
  return Math.max(scaleFor(levels, largest), record.scales[0]?.[0] ?? -1);
}

function scaleFor(levels: number, largest: number): number {
  return Math.fround(levels / largest);
}

function plain(record: BoltWeight, type: BoltDataType): Bytes {
  if (type === "F16") return encoded(record.weight, 16, encodeFloat16);
  const encode = INTEGER_ENCODERS[type];
  return encode === undefined ? record.weight : encoded(record.weight, STORAGE_BITS[type], encode);
}

const INTEGER_ENCODERS: Partial<Record<BoltDataType, Encode>> = {
  I32: (values, target) => new Int32Array(target.buffer, target.byteOffset, values.length).set(values),
  U32: (values, target) => new Uint32Array(target.buffer, target.byteOffset, values.length).set(values),
  I64: (values, target) => {
    new BigInt64Array(target.buffer, target.byteOffset, values.length).set(
      BigInt64Array.from(values, (value) => BigInt(Math.trunc(value))),
    );
  },
};

function encodeFloat16(values: Float32Array, target: Uint8Array): void {
  narrowToFloat16(values, new Uint16Array(target.buffer, target.byteOffset, values.length));
}

/** Float32 data in another form with `bits` an element, made when it is read. */
function encoded(base: Bytes, bits: number, encode: Encode): Bytes {
  const count = Math.floor(base.length / 4);
  const total = Math.ceil((count * bits) / 8);
  return {
    length: total,
    read: async (offset = 0, length = total - offset, room = undefined) => {
      // Whole elements, and an even number of half bytes.
      const first = Math.floor(Math.floor((offset * 8) / bits) / 2) * 2;
      const last = Math.min(count, Math.ceil(Math.ceil(((offset + length) * 8) / bits) / 2) * 2);
      const target = roomFor(Math.ceil(((last - first) * bits) / 8), room);
      await encodeRange(base, first, last, bits, encode, target);
      const start = offset - (first * bits) / 8;
      return target.subarray(start, start + length);
    },
  };
}

/** Elements that are read and encoded at a time: what is read is still in the processor's cache when it is encoded. */
const BLOCK = 1 << 16;

async function encodeRange(
  base: Bytes,
  first: number,
  last: number,
  bits: number,
  encode: Encode,
  target: Uint8Array,
): Promise<void> {
  const room = new Uint8Array(4 * Math.min(BLOCK, last - first));
  for (let start = first; start < last; start += BLOCK) {
    const end = Math.min(last, start + BLOCK);
    const values = floatView(await base.read(4 * start, 4 * (end - start), room));
    encode(values, target.subarray(((start - first) * bits) / 8, Math.ceil(((end - first) * bits) / 8)));
  }
}

function roomFor(length: number, room: Uint8Array | undefined): Uint8Array {
  const fits = room !== undefined && room.byteLength >= length && room.byteOffset % 8 === 0;
  return fits ? room.subarray(0, length) : new Uint8Array(length);
}

/** The bytes as float32 numbers, without a copy where they are aligned. Not to be written to. */
function floatView(bytes: Uint8Array): Float32Array {
  if (bytes.byteOffset % 4 === 0) return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  return new Float32Array(bytes.slice().buffer);
}

/** Largest magnitude of float32 data, read piece by piece. */
export async function largestOf(bytes: Bytes): Promise<number> {
  let largest = 0;
  for await (const chunk of chunksOf(bytes)) largest = Math.max(largest, largestMagnitude(floatView(chunk)));
  return largest;
}

/** Largest error that int8 storage would bring to a weight. */
export async function int8StorageError(record: BoltWeight, ties: TieRule): Promise<number> {
  const scale = Math.fround(127 / (await largestOf(record.weight)));
  let largest = 0;
  for await (const chunk of chunksOf(record.weight))
    largest = Math.max(largest, largestInt8Error(floatView(chunk), scale, ties));
  return largest;
}

/** A weight cut to ±`limit`. */
export function clippedWeight(record: BoltWeight, limit: number): Bytes {
  return encoded(record.weight, 32, (values, target) => {
    const clipped = new Float32Array(target.buffer, target.byteOffset, values.length);
    for (let index = 0; index < values.length; index++) {
      const value = values[index]!;
      clipped[index] = value > limit ? limit : value < -limit ? -limit : value;
    }
  });
}
