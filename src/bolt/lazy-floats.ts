import { type Bytes, madeBytes, memoryBytes } from "../io/bytes.ts";

/** Changes float32 values in place; `first` is the index of `values[0]` in the whole. */
export type FloatChange = (values: Float32Array, first: number) => void;

/** Float32 data with a change that is made anew whenever a part of it is read. Leftover bytes stay as they are. */
export function changedFloats(base: Bytes, change: FloatChange): Bytes {
  return {
    length: base.length,
    read: async (offset = 0, length = base.length - offset) => {
      const start = offset - (offset % 4);
      const end = Math.min(base.length, Math.ceil((offset + length) / 4) * 4);
      const bytes = (await base.read(start, end - start)).slice();
      change(new Float32Array(bytes.buffer, 0, Math.floor(bytes.length / 4)), start / 4);
      return bytes.subarray(offset - start, offset - start + length);
    },
  };
}

/** The bytes as float32 numbers, in a buffer of their own. Leftover bytes are dropped. */
export function floatsOf(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice(0, bytes.byteLength - (bytes.byteLength % 4)).buffer as ArrayBuffer);
}

/** Numbers as float32 data. */
export function floatBytes(values: ArrayLike<number>): Bytes {
  const floats = Float32Array.from(values);
  return memoryBytes(new Uint8Array(floats.buffer));
}

/** `count` float32 numbers that are made when they are first read, and let go when the last of them was. */
export function floatsWhenRead(count: number, make: () => Promise<Float32Array>): Bytes {
  return madeBytes(4 * count, async () => {
    const { buffer, byteOffset, byteLength } = await make();
    return new Uint8Array(buffer, byteOffset, byteLength);
  });
}
