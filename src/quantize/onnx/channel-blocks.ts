import { elementCount } from "../../graph/tensor.ts";
import type { Bytes } from "../../io/bytes.ts";
import { releaseBuffers, turnEventLoop } from "../../io/release-memory.ts";
import type { OnnxValue } from "../../onnx/model.ts";
import { floatData } from "../../onnx/tensor-data.ts";
import { transposed } from "../../onnx/turned-matrix.ts";
import { requireFinite } from "./finite-weights.ts";
import { type ChannelLayout, channelLayout } from "./weight-scales.ts";

/** Some channels of a weight, one after the other. */
export interface ChannelBlock {
  /** Good until the next block is asked for. */
  readonly values: Float32Array;
  readonly layout: ChannelLayout;
  /** The place of the first of them among all channels of the weight. */
  readonly first: number;
}

const FLOAT_BYTES = 4;

/** How much of a weight is looked at at a time. */
const MOST_BLOCK_BYTES = 1 << 24;

/**
 * A weight with channels along `axis`, block by block; with `together` all of it at once. A matrix with channels along its
 * last axis comes turned, so that each channel lies in one piece. Throws BoltqError `invalid-data` that names a weight with
 * infinite numbers or NaN.
 */
export async function* channelBlocks(
  weight: OnnxValue,
  axis: number,
  { together }: { readonly together: boolean },
): AsyncGenerator<ChannelBlock> {
  const tensor = weight.constant!;
  const { channels, inner } = channelLayout(tensor.shape, axis);
  const depth = elementCount(tensor.shape) / channels;
  const isTurned = inner === 1 && depth > 1;
  const isApart = isTurned || inner === depth;
  const data = isTurned ? transposed(tensor, depth, channels) : await floatData(tensor);
  const most = Math.max(1, Math.floor(MOST_BLOCK_BYTES / FLOAT_BYTES / depth));
  const perBlock = together || !isApart ? channels : Math.min(most, channels);
  const room = new Float32Array(perBlock * depth);
  for (let first = 0; first < channels; first += perBlock) {
    const count = Math.min(perBlock, channels - first);
    const values = room.subarray(0, count * depth);
    await readInto(data, first * depth, values);
    requireFinite(weight, values, (index) => {
      const place = first * depth + index;
      return isTurned ? (place % depth) * channels + Math.floor(place / depth) : place;
    });
    yield { values, layout: { channels: count, inner: isTurned ? depth : inner }, first };
  }
  releaseBuffers([room.buffer]);
  await turnEventLoop();
}

async function readInto(data: Bytes, first: number, values: Float32Array): Promise<void> {
  const room = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const bytes = await data.read(FLOAT_BYTES * first, room.length, room);
  if (bytes.buffer !== room.buffer) room.set(bytes);
}
