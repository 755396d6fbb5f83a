import type { Bytes } from "../../io/bytes.ts";

const FLOAT_BYTES = 4;

/** float32 data of as many equal rows as there are factors, each row times its factor; computed when it is read. */
export function scaledRows(base: Bytes, factors: Float32Array): Bytes {
  const rowLength = base.length / FLOAT_BYTES / Math.max(1, factors.length);
  return {
    length: base.length,
    read: async (offset = 0, length = base.length - offset) => {
      const start = offset - (offset % FLOAT_BYTES);
      const end = Math.min(base.length, Math.ceil((offset + length) / FLOAT_BYTES) * FLOAT_BYTES);
      const values = new Float32Array((await base.read(start, end - start)).slice().buffer);
      scale(values, start / FLOAT_BYTES, rowLength, factors);
      return new Uint8Array(values.buffer, offset - start, length);
    },
  };
}

/** `first`: place of `values[0]` in the whole. */
function scale(values: Float32Array, first: number, rowLength: number, factors: Float32Array): void {
  for (let index = 0; index < values.length; ) {
    const row = Math.floor((first + index) / rowLength);
    const end = Math.min(values.length, (row + 1) * rowLength - first);
    const factor = factors[row]!;
    for (; index < end; index++) values[index]! *= factor;
  }
}
