import type { BoltDataType } from "../../bolt/data-type.ts";
import type { ElementType } from "../../graph/tensor.ts";
import { type Bytes, memoryBytes } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import type { OnnxTensor } from "../../onnx/model.ts";
import { floatData, integersOf } from "../../onnx/tensor-data.ts";
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
  int16: "I32",
  uint16: "I32",
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
