import type { BoltDataType } from "../../bolt/data-type.ts";
import { enumerationNumber } from "../../bolt/enumerations.ts";
import type { BoltTensorDescription } from "../../bolt/tensor-description.ts";
import type { ElementType } from "../../graph/tensor.ts";

const SCALAR = enumerationNumber("DataFormat", "SCALAR");

/** The shape of a description, outermost dimension first; a scalar has none. */
export function shapeOfDescription({ dimensions, dataFormat }: BoltTensorDescription): number[] {
  return dataFormat === SCALAR ? [] : [...dimensions].reverse();
}

/** The ONNX type that holds values of a Bolt type: what Bolt stores narrow but computes in float is float32. */
export const ELEMENT_TYPES: Readonly<Record<BoltDataType, ElementType>> = {
  U8: "uint8",
  I8: "int8",
  U32: "int32",
  I32: "int32",
  F16: "float32",
  F16_8Q: "float32",
  F32: "float32",
  BIN01: "float32",
  BIN11: "float32",
  F32_8Q: "float32",
  U8_Q: "float32",
  I64: "int32",
  U64: "int32",
  F64: "float32",
  BF16: "float32",
  I4: "float32",
};
