import type { Bytes } from "../src/io/bytes.ts";

/** Float32 numbers in ±0.03, the same for the same seed, made when they are read. */
export function noise(count: number, seed: number): Bytes {
  const length = 4 * count;
  return {
    length,
    read: async (offset = 0, size = length - offset) => {
      const first = offset >> 2;
      const values = new Float32Array((size >> 2) + 1);
      for (let index = 0; index < values.length; index++) {
        const mixed = Math.imul((first + index) ^ Math.imul(seed, 0x9e3779b1), 0x85ebca6b);
        values[index] = ((Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35) | 0) / 2 ** 31) * 0.03;
      }
      return new Uint8Array(values.buffer, offset & 3, size);
    },
  };
}
