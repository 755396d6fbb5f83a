import type { BoltRules } from "../../bolt/rules.ts";

/** Numbers of the layouts that X2bolt states (DataFormat in tensor_desc.h). */
export const DATA_FORMATS = { NCHW: 0, NORMAL: 14, MTK: 15, NHWC: 24, SCALAR: 43 } as const;

/** The layout that Bolt states for a tensor of `rank` axes. */
export function defaultDataFormat(rank: number, rules: BoltRules): number {
  if (rank < 1 && rules === "1.5") return DATA_FORMATS.SCALAR;
  if (rank <= 2) return DATA_FORMATS.NORMAL;
  return rank === 3 ? DATA_FORMATS.MTK : DATA_FORMATS.NCHW;
}
