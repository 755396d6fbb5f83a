import { narrowToFloat16 } from "../../graph/float16.ts";
import { quantizeInt4 } from "./int4.ts";
import { clampForInt8, quantizeInt8, type TieRule } from "./int8.ts";

/** A stored form of float32 numbers, as plain data: another thread can be told of it. */
export type Encoding =
  | { readonly kind: "int8"; readonly scale: number; readonly ties: TieRule; readonly clamp: boolean }
  | { readonly kind: "int4"; readonly largest: number }
  | { readonly kind: "float16" }
  | { readonly kind: "clipped"; readonly limit: number }
  | { readonly kind: "int32" | "uint32" | "int64" };

export const ENCODING_BITS: Readonly<Record<Encoding["kind"], number>> = {
  int8: 8,
  int4: 4,
  float16: 16,
  clipped: 32,
  int32: 32,
  uint32: 32,
  int64: 64,
};

type Encoder<Kind extends Encoding["kind"]> = (
  values: Float32Array,
  target: Uint8Array,
  encoding: Extract<Encoding, { kind: Kind }>,
) => void;

const ENCODERS: { readonly [Kind in Encoding["kind"]]: Encoder<Kind> } = {
  int8: (values, target, { scale, ties, clamp }) => {
    const kept = clamp ? clampForInt8(values, scale) : values;
    quantizeInt8(kept, scale, ties, new Int8Array(target.buffer, target.byteOffset, values.length));
  },
  int4: (values, target, { largest }) => quantizeInt4(values, largest, target),
  float16: (values, target) =>
    narrowToFloat16(values, new Uint16Array(target.buffer, target.byteOffset, values.length)),
  clipped: (values, target, { limit }) =>
    clip(values, limit, new Float32Array(target.buffer, target.byteOffset, values.length)),
  int32: (values, target) => new Int32Array(target.buffer, target.byteOffset, values.length).set(values),
  uint32: (values, target) => new Uint32Array(target.buffer, target.byteOffset, values.length).set(values),
  int64: (values, target) => toInt64(values, new BigInt64Array(target.buffer, target.byteOffset, values.length)),
};

/** Converts numbers to their stored form. `target` has room for exactly that and starts at a multiple of 8 bytes. */
export function encode(encoding: Encoding, values: Float32Array, target: Uint8Array): void {
  const encoder = ENCODERS[encoding.kind] as Encoder<typeof encoding.kind>;
  encoder(values, target, encoding as never);
}

function clip(values: Float32Array, limit: number, target: Float32Array): void {
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    target[index] = value > limit ? limit : value < -limit ? -limit : value;
  }
}

function toInt64(values: Float32Array, target: BigInt64Array): void {
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    target[index] = Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n;
  }
}
