import { concatenate } from "../../src/io/target.ts";
import { mutateBytes } from "./mutate-bytes.ts";
import type { Random } from "./random.ts";

/** A Caffe net is two files; here they are one: the length of the description, the description, the weights. */
export interface CaffePair {
  readonly description: Uint8Array;
  readonly weights: Uint8Array;
}

const LENGTH_BYTES = 4;

export function joinPair({ description, weights }: CaffePair): Uint8Array {
  const length = new Uint8Array(LENGTH_BYTES);
  new DataView(length.buffer).setUint32(0, description.length, true);
  return concatenate([length, description, weights]);
}

export function splitPair(bytes: Uint8Array): CaffePair {
  const { buffer, byteOffset } = bytes;
  const end = LENGTH_BYTES + new DataView(buffer, byteOffset).getUint32(0, true);
  return { description: bytes.subarray(LENGTH_BYTES, end), weights: bytes.subarray(end) };
}

/** Damages one of the two files, or both. */
export function mutatePair(bytes: Uint8Array, random: Random): Uint8Array {
  const { description, weights } = splitPair(bytes);
  const which = random.next();
  return joinPair({
    description: which < 0.6 ? mutateBytes(description, random) : description,
    weights: which > 0.4 ? mutateBytes(weights, random) : weights,
  });
}
