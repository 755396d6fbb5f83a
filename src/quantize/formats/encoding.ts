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

/** Converts numbers to their stored form. `target` has room for exactly that and starts at a multiple of 8 bytes. */
export function encode(encoding: Encoding, values: Float32Array, target: Uint8Array): void {
  const { buffer, byteOffset } = target;
  const count = values.length;
  switch (encoding.kind) {
    case "int8": {
      const kept = encoding.clamp ? clampForInt8(values, encoding.scale) : values;
      return quantizeInt8(kept, encoding.scale, encoding.ties, new Int8Array(buffer, byteOffset, count));
    }
    case "int4":
      return quantizeInt4(values, encoding.largest, target);
    case "float16":
      return narrowToFloat16(values, new Uint16Array(buffer, byteOffset, count));
    case "clipped":
      return clip(values, encoding.limit, new Float32Array(buffer, byteOffset, count));
    case "int32":
      return new Int32Array(buffer, byteOffset, count).set(values);
    case "uint32":
      return new Uint32Array(buffer, byteOffset, count).set(values);
    case "int64":
      return toInt64(values, new BigInt64Array(buffer, byteOffset, count));
  }
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
