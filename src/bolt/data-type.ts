/** Element types of Bolt's files by number (common/uni/include/data_type.h). */
export const BOLT_DATA_TYPES = [
  "U8",
  "I8",
  "U32",
  "I32",
  "F16",
  "F16_8Q",
  "F32",
  "BIN01",
  "BIN11",
  "F32_8Q",
  "U8_Q",
  "I64",
  "U64",
  "F64",
  "BF16",
  "I4",
] as const;

/**
 * A data type of Bolt. As a weight's type, `F32_8Q` and `F16_8Q` are int8 storage to be computed in float32 or float16;
 * as a header's type they say "int8 network whose other operators compute in float32 or float16".
 */
export type BoltDataType = (typeof BOLT_DATA_TYPES)[number];

/** Bits an element of a weight record occupies in the file. */
export const STORAGE_BITS: Readonly<Record<BoltDataType, number>> = {
  U8: 8,
  I8: 8,
  U32: 32,
  I32: 32,
  F16: 16,
  F16_8Q: 8,
  F32: 32,
  BIN01: 1,
  BIN11: 1,
  F32_8Q: 8,
  U8_Q: 8,
  I64: 64,
  U64: 64,
  F64: 64,
  BF16: 16,
  I4: 4,
};

/** The number that stands for `type` in a file. */
export function dataTypeNumber(type: BoltDataType): number {
  return BOLT_DATA_TYPES.indexOf(type);
}
