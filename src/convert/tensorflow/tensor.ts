import { byteLength, type ElementType, elementCount, type Tensor } from "../../graph/tensor.ts";
import { type Bytes, madeBytes } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import { encodedTensor } from "../../onnx/tensor-data.ts";

/** A constant that repeats one value takes memory that the file does not have: more than this is no real model. */
const MOST_FILLED_BYTES = 2 ** 26;

/** A constant whose bytes are in the file. Throws `format` where they do not fit. */
export function contentTensor(type: ElementType, shape: readonly number[], data: Bytes): Tensor {
  const length = byteLength(type, checkedCount(shape));
  if (data.length === length) return { type, shape, data };
  throw new BoltqError("format", `${data.length} bytes do not fit ${type}[${shape.join(", ")}]`);
}

/** A constant of stated values, of which the last is repeated as often as it must be. Throws `format` for too many. */
export function listedTensor(type: ElementType, shape: readonly number[], values: readonly number[]): Tensor {
  const count = checkedCount(shape);
  if (values.length > count)
    throw new BoltqError("format", `${values.length} values do not fit ${type}[${shape.join(", ")}]`);
  if (!/float/.test(type) && !values.every(Number.isSafeInteger))
    throw new BoltqError("format", `values of a constant of type ${type} are no whole numbers`);
  if (values.length === count) return encodedTensor(type, shape, values);
  const length = byteLength(type, count);
  if (length > MOST_FILLED_BYTES)
    throw new BoltqError("limit", `${values.length} values shall fill ${type}[${shape.join(", ")}]`);
  const make = async () => {
    const filled = Array.from({ length: count }, (_, index) => values[Math.min(index, values.length - 1)] ?? 0);
    return encodedTensor(type, shape, filled).data.read();
  };
  return { type, shape, data: madeBytes(length, make) };
}

function checkedCount(shape: readonly number[]): number {
  const count = elementCount(shape);
  if (shape.every((size) => Number.isInteger(size) && size >= 0) && Number.isSafeInteger(count)) return count;
  throw new BoltqError("format", `[${shape.join(", ")}] is no valid shape`);
}
