import type { Bytes } from "../../io/bytes.ts";
import { ENCODING_BITS, type Encoding, encode } from "../formats/encoding.ts";
import { float32OfBits, INFINITY_BITS, largestMagnitude } from "../formats/int8.ts";
import { type Int8Kernel, KERNEL_NUMBERS, withInt8Kernel } from "../formats/int8-kernel.ts";

/** The work on the numbers of weights, float32 data each. In Node a second thread may share it. */
export interface WeightWork {
  /** Largest magnitude; NaN is passed over. */
  largestMagnitude(weight: Bytes): Promise<number>;
  /** The weight in its stored form, made when it is read. */
  encoded(weight: Bytes, encoding: Encoding): Bytes;
}

/** Does the work here and now. */
export const plainWork: WeightWork = {
  largestMagnitude: (weight) => withInt8Kernel((kernel) => findLargest(weight, kernel)),
  encoded: (weight, encoding) => {
    const total = encodedLength(weight, encoding);
    return {
      length: total,
      read: (offset = 0, length = total - offset, room = undefined) =>
        readEncoded(weight, encoding, offset, length, room),
    };
  },
};

async function findLargest(weight: Bytes, kernel: Int8Kernel | undefined): Promise<number> {
  const room = kernel?.room ?? new Uint8Array(FLOAT_BYTES * BLOCK);
  let largest = 0;
  for (let offset = 0; offset < weight.length; offset += room.length) {
    const values = await readFloats(weight, offset, Math.min(room.length, weight.length - offset), room);
    largest = Math.max(largest, kernel === undefined ? largestMagnitude(values) : largestByKernel(kernel, values));
  }
  return largest;
}

/** The numbers lie in the kernel's room. */
function largestByKernel(kernel: Int8Kernel, values: Float32Array): number {
  const bits = kernel.largestMagnitudeBits(values.length);
  return bits > INFINITY_BITS ? largestMagnitude(values) : float32OfBits(bits);
}

/** Numbers read into the beginning of `room`, whose start is aligned. Leftover bytes are dropped. */
async function readFloats(weight: Bytes, offset: number, length: number, room: Uint8Array): Promise<Float32Array> {
  const bytes = await weight.read(offset, length, room);
  if (bytes.buffer !== room.buffer || bytes.byteOffset !== room.byteOffset) room.set(bytes);
  return new Float32Array(room.buffer, room.byteOffset, length >> 2);
}

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
const BLOCK: number = KERNEL_NUMBERS;

const FLOAT_BYTES = 4;

/** Encodes the elements from `first` to before `last` into `target`. */
export function encodeRange(
  weight: Bytes,
  first: number,
  last: number,
  encoding: Encoding,
  target: Uint8Array,
): Promise<void> {
  const suits = encoding.kind === "int8" && !encoding.clamp && Number.isFinite(encoding.scale);
  const encodeWith = (kernel: Int8Kernel | undefined) => encodeBlocks(weight, first, last, encoding, target, kernel);
  return suits ? withInt8Kernel(encodeWith) : encodeWith(undefined);
}

async function encodeBlocks(
  weight: Bytes,
  first: number,
  last: number,
  encoding: Encoding,
  target: Uint8Array,
  kernel: Int8Kernel | undefined,
): Promise<void> {
  const bits = ENCODING_BITS[encoding.kind];
  const room = kernel?.room ?? new Uint8Array(FLOAT_BYTES * Math.min(BLOCK, last - first));
  for (let start = first; start < last; start += BLOCK) {
    const end = Math.min(last, start + BLOCK);
    const values = await readFloats(weight, FLOAT_BYTES * start, FLOAT_BYTES * (end - start), room);
    const place = target.subarray(((start - first) * bits) / 8, Math.ceil(((end - first) * bits) / 8));
    if (kernel !== undefined && encoding.kind === "int8")
      place.set(kernel.quantize(values.length, encoding.scale, encoding.ties));
    else encode(encoding, values, place);
  }
}

function roomFor(length: number, room: Uint8Array | undefined): Uint8Array {
  const fits = room !== undefined && room.byteLength >= length && room.byteOffset % 8 === 0;
  return fits ? room.subarray(0, length) : new Uint8Array(length);
}
