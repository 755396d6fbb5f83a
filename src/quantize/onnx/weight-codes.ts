import type { Tensor } from "../../graph/tensor.ts";
import type { Bytes } from "../../io/bytes.ts";
import { type ChannelLayout, codeOf } from "./weight-scales.ts";

const FLOAT_BYTES = 4;

/** A float32 weight as int8 codes, which are computed when they are read: a weight never is in memory as a whole. */
export function weightCodes(weight: Tensor, layout: ChannelLayout, scales: readonly number[], largest: number): Tensor {
  const length = weight.data.length / FLOAT_BYTES;
  const data: Bytes = {
    length,
    read: async (offset = 0, count = length - offset) => {
      const values = new Float32Array(
        (await weight.data.read(offset * FLOAT_BYTES, count * FLOAT_BYTES)).slice().buffer,
      );
      const codes = new Int8Array(count);
      for (let index = 0; index < count; ) {
        const run = Math.floor((offset + index) / layout.inner);
        const end = Math.min(count, (run + 1) * layout.inner - offset);
        const scale = scales[scales.length === 1 ? 0 : run % layout.channels]!;
        for (; index < end; index++) codes[index] = codeOf(values[index]!, scale, largest);
      }
      return new Uint8Array(codes.buffer);
    },
  };
  return { type: "int8", shape: weight.shape, data };
}
