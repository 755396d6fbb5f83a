import { type Bytes, chunksOf } from "../../io/bytes.ts";
import { ENCODING_BITS, type Encoding, encode } from "../formats/encoding.ts";
import { largestMagnitude } from "../formats/int8.ts";

/** The work on the numbers of weights, float32 data each. In Node a second thread may share it. */
export interface WeightWork {
  /** Largest magnitude; NaN is passed over. */
  largestMagnitude(weight: Bytes): Promise<number>;
  /** The weight in its stored form, made when it is read. */
  encoded(weight: Bytes, encoding: Encoding): Bytes;
}

/** Does the work here and now. */
export const plainWork: WeightWork = {
  largestMagnitude: async (weight) => {
    let largest = 0;
    for await (const chunk of chunksOf(weight)) largest = Math.max(largest, largestMagnitude(floatView(chunk)));
    return largest;
  },
  encoded: (weight, encoding) => {
    const total = encodedLength(weight, encoding);
    return {
      length: total,
      read: (offset = 0, length = total - offset, room = undefined) =>
        readEncoded(weight, encoding, offset, length, room),
    };
  },
};

/** Bytes of a weight in its stored form. */
export function encodedLength(weight: Bytes, { kind }: Encoding): number {
  return Math.ceil((Math.floor(weight.length / 4) * ENCODING_BITS[kind]) / 8);
}

/** The bytes as float32 numbers, without a copy where they are aligned. Not to be written to. */
export function floatView(bytes: Uint8Array): Float32Array {
  if (bytes.byteOffset % 4 === 0) return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
  return new Float32Array(bytes.slice().buffer, 0, bytes.byteLength >> 2);
}

async function readEncoded(
  weight: Bytes,
  encoding: Encoding,
  offset: number,
  length: number,
  room: Uint8Array | undefined,
): Promise<Uint8Array> {
  const bits = ENCODING_BITS[encoding.kind];
  const count = Math.floor(weight.length / 4);
  // Whole elements, and an even number of half bytes.
  const first = Math.floor(Math.floor((offset * 8) / bits) / 2) * 2;
  const last = Math.min(count, Math.ceil(Math.ceil(((offset + length) * 8) / bits) / 2) * 2);
  const target = roomFor(Math.ceil(((last - first) * bits) / 8), room);
  await encodeRange(weight, first, last, encoding, target);
  const start = offset - (first * bits) / 8;
  return target.subarray(start, start + length);
}

/** Elements that are read and encoded at a time: what is read is still in the processor's cache when it is encoded. */
const BLOCK = 1 << 16;

/** Encodes the elements from `first` to before `last` into `target`. */
export async function encodeRange(
  weight: Bytes,
  first: number,
  last: number,
  encoding: Encoding,
  target: Uint8Array,
): Promise<void> {
  const bits = ENCODING_BITS[encoding.kind];
  const room = new Uint8Array(4 * Math.min(BLOCK, last - first));
  for (let start = first; start < last; start += BLOCK) {
    const end = Math.min(last, start + BLOCK);
    const values = floatView(await weight.read(4 * start, 4 * (end - start), room));
    encode(encoding, values, target.subarray(((start - first) * bits) / 8, Math.ceil(((end - first) * bits) / 8)));
  }
}

function roomFor(length: number, room: Uint8Array | undefined): Uint8Array {
  const fits = room !== undefined && room.byteLength >= length && room.byteOffset % 8 === 0;
  return fits ? room.subarray(0, length) : new Uint8Array(length);
}
