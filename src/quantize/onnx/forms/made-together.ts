import { type Bytes, checkRange } from "../../../io/bytes.ts";

/**
 * Several runs of bytes that are made at once, when the first of them is read, and let go when each was read to its end: so
 * of many weights one is in memory at a time.
 */
export function madeTogether(lengths: readonly number[], make: () => Promise<readonly Uint8Array[]>): Bytes[] {
  let made: Promise<readonly Uint8Array[]> | undefined;
  const left = new Set<number>();
  return lengths.map((length, place) => ({
    length,
    read: async (offset = 0, count = length - offset) => {
      checkRange(length, offset, count);
      if (made === undefined) {
        made = make();
        for (const each of lengths.keys()) left.add(each);
      }
      const bytes = (await made)[place]!;
      checkRange(bytes.length, offset, count);
      if (offset + count === length) left.delete(place);
      if (left.size === 0) made = undefined;
      return bytes.subarray(offset, offset + count);
    },
  }));
}
