import { float16ToFloat32, float32ToFloat16, widenFromFloat16 } from "../graph/float16.ts";
import { CHUNK_BYTES } from "../io/bytes.ts";
import { BoltqError } from "../io/error.ts";
import { type BoltDataType, STORAGE_BITS } from "./data-type.ts";
import type { BoltWeight } from "./model.ts";

/** Elements in the weight of a record. An int4 weight of odd length counts its padding, which the file cannot tell. */
export function weightCount(record: BoltWeight): number {
  return Math.floor((record.weight.length * 8) / STORAGE_BITS[record.dataType]);
}

/**
 * The numbers that a weight's elements stand for, in pieces: dequantized as Bolt's reader does it, with the factor
 * float32(1 / scale), for int8 and int4 storage.
 */
export async function* weightValues(record: BoltWeight): AsyncGenerator<Float32Array> {
  const decode = decoderOf(record);
  for (let offset = 0; offset < record.weight.length; offset += CHUNK_BYTES) {
    yield decode(await record.weight.read(offset, Math.min(CHUNK_BYTES, record.weight.length - offset)));
  }
}

/** All values of a weight at once. */
export async function readWeightValues(record: BoltWeight): Promise<Float32Array> {
  const values = new Float32Array(weightCount(record));
  let at = 0;
  for await (const piece of weightValues(record)) {
    values.set(piece, at);
    at += piece.length;
  }
  return values;
}

/** The vector (bias, beta, variance) as numbers: float16 if the record's rules made it so, else float32. */
export async function readVectorValues(record: BoltWeight, type: "F32" | "F16"): Promise<Float32Array> {
  const bytes = await record.vector.read();
  return type === "F16" ? fromFloat16(bytes) : new Float32Array(aligned(bytes, 4));
}

type Decoder = (bytes: Uint8Array) => Float32Array;

/** How the plain (unscaled) types are read. */
const PLAIN: Partial<Record<BoltDataType, Decoder>> = {
  F32: (bytes) => new Float32Array(aligned(bytes, 4)),
  F16: (bytes) => fromFloat16(bytes),
  BF16: (bytes) => Float32Array.from(new Uint16Array(aligned(bytes, 2)), fromBfloat16),
  F64: (bytes) => Float32Array.from(new Float64Array(aligned(bytes, 8))),
  I32: (bytes) => Float32Array.from(new Int32Array(aligned(bytes, 4))),
  U32: (bytes) => Float32Array.from(new Uint32Array(aligned(bytes, 4))),
  I64: (bytes) => Float32Array.from(new BigInt64Array(aligned(bytes, 8)), Number),
  U64: (bytes) => Float32Array.from(new BigUint64Array(aligned(bytes, 8)), Number),
  U8: (bytes) => Float32Array.from(bytes),
  BIN01: (bytes) => fromBits(bytes, 0),
  BIN11: (bytes) => fromBits(bytes, -1),
};

function decoderOf(record: BoltWeight): Decoder {
  const plain = PLAIN[record.dataType];
  if (plain !== undefined) return plain;
  const scale = record.scales[0]?.[0];
  if (scale === undefined || record.scales[0]!.length !== 1) {
    throw new BoltqError("format", `a weight of type ${record.dataType} needs exactly one scale`, {
      subject: `weight of "${record.operator}"`,
      remedy: "The file is damaged: convert the model again",
    });
  }
  const factor = Math.fround(1 / scale);
  const half = record.dataType === "F16_8Q";
  const level = (q: number) => (half ? roundToFloat16(Math.fround(factor * q)) : Math.fround(factor * q));
  if (record.dataType === "I4") return fourBitDecoder(level);
  const levels = Float32Array.from({ length: 256 }, (_, byte) =>
    level(record.dataType === "U8_Q" ? byte - 128 : (byte << 24) >> 24),
  );
  return (bytes) => Float32Array.from(bytes, (byte) => levels[byte]!);
}

function fourBitDecoder(level: (q: number) => number): Decoder {
  const levels = Float32Array.from({ length: 16 }, (_, nibble) => level(nibble - 7));
  return (bytes) => {
    const values = new Float32Array(2 * bytes.length);
    for (let index = 0; index < bytes.length; index++) {
      values[2 * index] = levels[bytes[index]! & 15]!;
      values[2 * index + 1] = levels[bytes[index]! >> 4]!;
    }
    return values;
  };
}

function fromFloat16(bytes: Uint8Array): Float32Array {
  const half = new Uint16Array(aligned(bytes, 2));
  const values = new Float32Array(half.length);
  widenFromFloat16(half, values);
  return values;
}

function fromBfloat16(bits: number): number {
  return new Float32Array(new Uint32Array([bits << 16]).buffer)[0]!;
}

/** One-bit weights, most significant bit first: 1, or `zero`. */
function fromBits(bytes: Uint8Array, zero: number): Float32Array {
  return Float32Array.from({ length: 8 * bytes.length }, (_, index) =>
    (bytes[index >> 3]! >> (7 - (index & 7))) & 1 ? 1 : zero,
  );
}

function roundToFloat16(value: number): number {
  return float16ToFloat32(float32ToFloat16(value));
}

/** A buffer of its own, as typed arrays need; leftover bytes of an element are dropped. */
function aligned(bytes: Uint8Array, elementBytes: number): ArrayBuffer {
  return bytes.slice(0, bytes.byteLength - (bytes.byteLength % elementBytes)).buffer as ArrayBuffer;
}
