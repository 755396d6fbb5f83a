import type { BoltNode } from "./model.ts";

const MOVING: ReadonlySet<string> = new Set([
  "Reshape",
  "Flatten",
  "Squeeze",
  "Unsqueeze",
  "Transpose",
  "Slice",
  "Split",
  "TfSlice",
  "Dropout",
  "Tile",
  "Expand",
  "Space2Depth",
  "Depth2Space",
  "Relu",
]);

/** Whether an operator only moves numbers, drops some or cuts at zero: int8 levels stay worth what they were. */
export function movesNumbers({ type, data: { parameters } }: BoltNode): boolean {
  return MOVING.has(type) || (type === "Pooling" && parameters.name("mode") === "MAX");
}
