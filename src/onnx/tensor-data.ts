import { float32ToBfloat16 } from "../graph/bfloat16.ts";
import { float32ToFloat16, widenFromFloat16 } from "../graph/float16.ts";
import { ELEMENT_BITS, type ElementType, elementCount, type Tensor } from "../graph/tensor.ts";
import { type Bytes, chunksOf, memoryBytes } from "../io/bytes.ts";
import { BoltqError } from "../io/error.ts";

/** A tensor over typed data in memory; the buffer is shared, not copied. */
export function tensorOf(type: ElementType, shape: readonly number[], data: ArrayBufferView): Tensor {
  return { type, shape, data: memoryBytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) };
}

/** A float32 tensor. */
export function floatTensor(shape: readonly number[], values: ArrayLike<number>): Tensor {
  return tensorOf("float32", shape, Float32Array.from(values));
}

/** An int64 tensor, as shapes and axes are stored. */
export function integerTensor(shape: readonly number[], values: readonly number[]): Tensor {
  return tensorOf("int64", shape, BigInt64Array.from(values, int64Of));
}

/** Number to int64; 2^63, which reading makes of the greatest int64, becomes that again. */
export function int64Of(value: number): bigint {
  return value >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(value);
}

/** A tensor of the given elements, each in the range of `type`. Throws `unsupported` for types that are not calculated with. */
export function encodedTensor(type: ElementType, shape: readonly number[], values: readonly number[]): Tensor {
  const encode = ENCODERS[type];
  if (encode === undefined) throw new BoltqError("unsupported", `elements of type ${type} cannot be made of numbers`);
  return tensorOf(type, shape, encode(values));
}

const ENCODERS: Partial<Record<ElementType, (values: readonly number[]) => ArrayBufferView>> = {
  float32: (values) => Float32Array.from(values),
  float64: (values) => Float64Array.from(values),
  float16: (values) => Uint16Array.from(values, float32ToFloat16),
  bfloat16: (values) => Uint16Array.from(values, float32ToBfloat16),
  int8: (values) => Int8Array.from(values),
  int16: (values) => Int16Array.from(values),
  int32: (values) => Int32Array.from(values),
  int64: (values) => BigInt64Array.from(values, int64Of),
  uint8: (values) => Uint8Array.from(values),
  uint16: (values) => Uint16Array.from(values),
  uint32: (values) => Uint32Array.from(values),
  uint64: (values) => BigUint64Array.from(values, (value) => BigInt(value)),
  bool: (values) => Uint8Array.from(values),
};

/**
 * All elements as float32 numbers. Integers beyond 2^24 and float64 are rounded. Throws `unsupported` for types that are
 * no single real number.
 */
export async function float32Of(tensor: Tensor): Promise<Float32Array> {
  const numbers = await numbersOf(tensor);
  return numbers instanceof Float32Array ? numbers : Float32Array.from(numbers);
}

/** The elements as float32 data, shared with the file where they are stored so. */
export async function floatData(tensor: Tensor): Promise<Bytes> {
  if (tensor.type === "float32") return tensor.data;
  const floats = Float32Array.from(await numbersOf(tensor));
  return memoryBytes(new Uint8Array(floats.buffer));
}

/** All elements as whole numbers. Throws `unsupported` for types that are no integers or beyond 2^53 (extremes aside). */
export async function integersOf(tensor: Tensor): Promise<number[]> {
  return Array.from(await numbersOf(tensor), Number);
}

/** All elements as numbers, in the precision of their type (int64 rounds beyond 2^53); the array is the caller's own. */
export async function numbersOf(tensor: Tensor): Promise<ArrayLike<number>> {
  const decode = decoderOf(tensor);
  return decode(wholeElements(await ownBytes(tensor.data), tensor.type), elementCount(tensor.shape));
}

/** All elements as `numbersOf` gives them, piece by piece: a large tensor is never in memory as a whole. */
export async function* numberPieces(tensor: Tensor): AsyncGenerator<ArrayLike<number>> {
  const decode = decoderOf(tensor);
  const bits = ELEMENT_BITS[tensor.type];
  let left = elementCount(tensor.shape);
  for await (const chunk of chunksOf(tensor.data)) {
    const count = Math.min(left, Math.floor((8 * chunk.length) / bits));
    yield decode(wholeElements(chunk.slice(), tensor.type), count);
    left -= count;
  }
}

function decoderOf({ type }: Tensor): Decode {
  const decode = DECODERS[type];
  if (decode !== undefined) return decode;
  throw new BoltqError("unsupported", `elements of type ${type} cannot be read as numbers`);
}

/** The bytes in a buffer that nothing else uses; a large weight is there once, not twice. */
async function ownBytes(data: Bytes): Promise<Uint8Array> {
  const room = new Uint8Array(data.length);
  const bytes = await data.read(0, data.length, room);
  if (bytes.buffer !== room.buffer) room.set(bytes);
  return room;
}

/** The buffer of `bytes`, which begin at its start, up to the last whole element. */
function wholeElements(bytes: Uint8Array, type: ElementType): ArrayBuffer {
  const size = Math.max(1, ELEMENT_BITS[type] / 8);
  const rest = bytes.byteLength % size;
  return (rest === 0 ? bytes.buffer : bytes.slice(0, bytes.byteLength - rest).buffer) as ArrayBuffer;
}

type Decode = (buffer: ArrayBuffer, count: number) => ArrayLike<number>;

const DECODERS: Partial<Record<ElementType, Decode>> = {
  float32: (buffer) => new Float32Array(buffer),
  float64: (buffer) => new Float64Array(buffer),
  float16: (buffer) => {
    const half = new Uint16Array(buffer);
    const wide = new Float32Array(half.length);
    widenFromFloat16(half, wide);
    return wide;
  },
  bfloat16: (buffer) => new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer),
  int8: (buffer) => new Int8Array(buffer),
  int16: (buffer) => new Int16Array(buffer),
  int32: (buffer) => new Int32Array(buffer),
  int64: (buffer) => Array.from(new BigInt64Array(buffer), Number),
  uint8: (buffer) => new Uint8Array(buffer),
  uint16: (buffer) => new Uint16Array(buffer),
  uint32: (buffer) => new Uint32Array(buffer),
  uint64: (buffer) => Array.from(new BigUint64Array(buffer), Number),
  bool: (buffer) => new Uint8Array(buffer),
  int4: (buffer, count) => packed(buffer, count, 4, true),
  uint4: (buffer, count) => packed(buffer, count, 4, false),
  int2: (buffer, count) => packed(buffer, count, 2, true),
  uint2: (buffer, count) => packed(buffer, count, 2, false),
};

function packed(buffer: ArrayBuffer, count: number, bits: number, isSigned: boolean): number[] {
  const bytes = new Uint8Array(buffer);
  const perByte = 8 / bits;
  return Array.from({ length: count }, (_, index) => {
    const code = (bytes[Math.floor(index / perByte)]! >> (bits * (index % perByte))) & ((1 << bits) - 1);
    return isSigned && code >= 1 << (bits - 1) ? code - (1 << bits) : code;
  });
}
