import type { Inflate } from "./png.ts";

/** Unpacks zlib data with what browsers bring. */
export const inflateStream: Inflate = async (packed, most) => {
  const stream = new Blob([new Uint8Array(packed)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const reader = stream.getReader();
  const result = new Uint8Array(most);
  let used = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return result.subarray(0, used);
    if (used + value.length > most) {
      await reader.cancel();
      throw new RangeError("there is more data than pixels");
    }
    result.set(value, used);
    used += value.length;
  }
};
