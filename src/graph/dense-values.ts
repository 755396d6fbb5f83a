import { BoltqError } from "../io/error.ts";
import { ELEMENT_ARRAYS } from "./element-arrays.ts";
import { narrowToFloat16, widenFromFloat16 } from "./float16.ts";
import type { DenseTensor, ElementType } from "./tensor.ts";

/** The elements as numbers: a view where they are that already; int64 beyond 2^53 is rounded. */
export function denseValues(tensor: DenseTensor): ArrayLike<number> {
  const array = ELEMENT_ARRAYS[tensor.type] ?? refuse(tensor.type);
  const data = tensor.data.byteOffset % array.BYTES_PER_ELEMENT === 0 ? tensor.data : tensor.data.slice();
  const elements = new array(data.buffer, data.byteOffset, Math.floor(data.byteLength / array.BYTES_PER_ELEMENT));
  if (tensor.type === "float16") {
    const wide = new Float32Array(elements.length);
    widenFromFloat16(elements as Uint16Array, wide);
    return wide;
  }
  if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) {
    return Float64Array.from(elements, Number);
  }
  return elements;
}

/** A tensor of `type` that holds `values`; integers are cut towards zero, bool is 0 or 1. */
export function denseTensor(type: ElementType, shape: readonly number[], values: ArrayLike<number>): DenseTensor {
  return { type, shape, data: bytesOf(type, values) };
}

function bytesOf(type: ElementType, values: ArrayLike<number>): Uint8Array {
  const array = ELEMENT_ARRAYS[type] ?? refuse(type);
  const { length } = values;
  const elements = new array(new ArrayBuffer(length * array.BYTES_PER_ELEMENT), 0, length);
  if (type === "float16") narrowToFloat16(Float32Array.from(values), elements as Uint16Array);
  else if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) {
    for (let index = 0; index < length; index++) elements[index] = BigInt(Math.trunc(values[index]!));
  } else if (type === "bool") {
    for (let index = 0; index < length; index++) elements[index] = values[index] === 0 ? 0 : 1;
  } else {
    for (let index = 0; index < length; index++) elements[index] = values[index]!;
  }
  return new Uint8Array(elements.buffer as ArrayBuffer);
}

function refuse(type: ElementType): never {
  throw new BoltqError("unsupported", `elements of type ${type} cannot be read as numbers`);
}
