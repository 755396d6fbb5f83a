import { concatenate } from "../../src/io/target.ts";
import type { Random } from "./random.ts";

const EXTREME_BYTES = [0, 1, 0x7f, 0x80, 0xff];

/** Numbers at which calculations break. */
export const EXTREMES: readonly number[] = [
  0,
  1,
  -1,
  2,
  3,
  7,
  8,
  9,
  63,
  64,
  127,
  255,
  256,
  65535,
  1_000_000,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  2 ** 32 - 1,
  2 ** 53,
];

/** A copy with a few bytes or numbers changed, or a piece taken out, doubled or cut off. */
export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  let changed: Uint8Array = bytes.slice();
  const count = random.chance(0.5) ? 1 : 1 + random.below(8);
  for (let index = 0; index < count && changed.length > 0; index++) changed = random.pick(CHANGES)(changed, random);
  return changed;
}

type Change = (bytes: Uint8Array, random: Random) => Uint8Array;

const changeByte: Change = (bytes, random) => {
  bytes[random.below(bytes.length)] = random.chance(0.5) ? random.pick(EXTREME_BYTES) : random.below(256);
  return bytes;
};

const changeNumber: Change = (bytes, random) => {
  if (bytes.length < 4) return bytes;
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(
    random.below(bytes.length - 3),
    random.pick(EXTREMES),
    random.chance(0.7),
  );
  return bytes;
};

const cutOff: Change = (bytes, random) => bytes.slice(0, random.below(bytes.length));

const takeOut: Change = (bytes, random) => {
  const start = random.below(bytes.length);
  const end = start + 1 + random.below(16);
  return concatenate([bytes.subarray(0, start), bytes.subarray(end)]);
};

const double: Change = (bytes, random) => {
  const start = random.below(bytes.length);
  const end = Math.min(bytes.length, start + 1 + random.below(64));
  const result = new Uint8Array(bytes.length + end - start);
  result.set(bytes.subarray(0, end));
  result.set(bytes.subarray(start), end);
  return result;
};

const CHANGES: readonly Change[] = [
  changeByte,
  changeByte,
  changeByte,
  changeNumber,
  changeNumber,
  cutOff,
  takeOut,
  double,
];
