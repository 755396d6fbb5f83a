import type { BoltDataType } from "./data-type.ts";

/** Type, layout and shape of a tensor as Bolt's files state it. Dimensions are in Bolt's order: innermost first. */
export interface BoltTensorDescription {
  dataType: BoltDataType;
  /** Number of Bolt's DataFormat, see data-format.ts. */
  dataFormat: number;
  /** Sizes, innermost first: `[w, h, c, n]` for NCHW. */
  dimensions: number[];
  /** What stands in the places beyond the dimensions, where that is not all zeros. */
  unused?: readonly number[];
}
