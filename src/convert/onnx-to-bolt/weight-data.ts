import type { BoltDataType } from "../../bolt/data-type.ts";
import { floatBytes } from "../../bolt/lazy-floats.ts";
import type { ElementType } from "../../graph/tensor.ts";
import { type Bytes, memoryBytes } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import type { OnnxTensor } from "../../onnx/model.ts";
import { float32Of, integersOf, numbersOf } from "../../onnx/tensor-data.ts";
import { cutToInt32 } from "./lowering.ts";

/** Bolt's type for the elements of an ONNX tensor: 64-bit integers are cut to 32 bits, floats are float32. */
const KEPT_TYPES: Partial<Record<ElementType, BoltDataType>> = {
  float32: "F32",
  float16: "F32",
  float64: "F32",
  bfloat16: "F32",
  int64: "I32",
  int32: "I32",
  uint64: "I32",
  uint32: "I32",
  int8: "I8",
  uint8: "U8",
  bool: "U8",
};

/** Throws `unsupported` for element types that Bolt has none for. */
export function boltTypeOf(type: ElementType): BoltDataType {
  const kept = KEPT_TYPES[type];
  if (kept === undefined) throw new BoltqError("unsupported", `Bolt has no tensors of type ${type}`);
  return kept;
}

/** A constant's data in Bolt's type; float32 data is shared with the file, not copied. */
export async function boltData(tensor: OnnxTensor): Promise<Bytes> {
  if (boltTypeOf(tensor.type) === "F32") return floatData(tensor);
  if (boltTypeOf(tensor.type) !== "I32" || tensor.type === "int32" || tensor.type === "uint32") return tensor.data;
  const integers = Int32Array.from(await integersOf(tensor), cutToInt32);
  return memoryBytes(new Uint8Array(integers.buffer));
}

/** A constant's data as float32. */
export async function floatData(tensor: OnnxTensor): Promise<Bytes> {
  return tensor.type === "float32" ? tensor.data : floatBytes(await numbersOf(tensor));
}

/** A matrix of `rows` by `columns` in float32, turned to columns by rows when it is read. */
export function transposed(tensor: OnnxTensor, rows: number, columns: number): Bytes {
  const length = 4 * rows * columns;
  let turned: Promise<Uint8Array> | undefined;
  const turn = async () => {
    const values = await float32Of(tensor);
    const result = new Float32Array(values.length);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) result[column * rows + row] = values[row * columns + column]!;
    }
    return new Uint8Array(result.buffer);
  };
  return {
    length,
    read: async (offset = 0, count = length - offset) => {
      turned ??= turn();
      const bytes = await turned;
      if (offset + count === length) turned = undefined;
      return bytes.subarray(offset, offset + count);
    },
  };
}
