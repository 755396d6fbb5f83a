import type { Dimension } from "../../graph/tensor.ts";
import { BoltqError } from "../../io/error.ts";
import { intAttribute, intsAttribute, textAttribute } from "../attributes.ts";
import type { OnnxNode } from "../model.ts";
import { changed } from "./dimensions.ts";
import type { Shape } from "./shape-rule.ts";

/** How a window moves over the spatial axes; one entry an axis. */
export interface Windows {
  readonly kernel: Shape;
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** First all beginnings, then all ends. */
  readonly pads: readonly number[];
  readonly autoPad: string;
  readonly ceil: boolean;
}

/** The windows of a convolution or pooling over `kernel.length` axes. Throws `invalid-graph` when an attribute has another length. */
export function windowsOf(node: OnnxNode, kernel: Shape): Windows {
  const axes = kernel.length;
  return {
    kernel,
    strides: listOf(node, "strides", axes, 1),
    dilations: listOf(node, "dilations", axes, 1),
    pads: listOf(node, "pads", 2 * axes, 0),
    autoPad: textAttribute(node, "auto_pad", "NOTSET"),
    ceil: intAttribute(node, "ceil_mode", 0) !== 0,
  };
}

function listOf(node: OnnxNode, name: string, length: number, absent: number): readonly number[] {
  const list = intsAttribute(node, name);
  if (list === undefined || list.length === 0) return new Array<number>(length).fill(absent);
  if (list.length !== length)
    throw new BoltqError("invalid-graph", `"${name}" has ${list.length} entries, not ${length}`);
  return list;
}

/** Spatial sizes after a convolution or pooling. */
export function slideWindows(sizes: Shape, windows: Windows): Dimension[] {
  return sizes.map((size, axis) => changed(size, (known) => slide(known, windows, axis)));
}

function slide(size: number, windows: Windows, axis: number): Dimension {
  const stride = windows.strides[axis]!;
  if (windows.autoPad.startsWith("SAME")) return Math.ceil(size / stride);
  const kernel = windows.kernel[axis];
  if (typeof kernel !== "number") return undefined;
  const extent = (kernel - 1) * windows.dilations[axis]! + 1;
  const before = windows.autoPad === "VALID" ? 0 : windows.pads[axis]!;
  const after = windows.autoPad === "VALID" ? 0 : windows.pads[axis + windows.kernel.length]!;
  const steps = (size + before + after - extent) / stride;
  if (!(steps > -1)) throw new BoltqError("invalid-graph", `a window of ${extent} does not fit ${size} elements`);
  if (!windows.ceil) return Math.floor(steps) + 1;
  // A window that would begin in the padding behind the data is left out.
  const count = Math.ceil(steps) + 1;
  return (count - 1) * stride >= size + before ? count - 1 : count;
}

/** Spatial sizes after a transposed convolution. */
export function growWindows(sizes: Shape, windows: Windows, outputPadding: readonly number[]): Dimension[] {
  return sizes.map((size, axis) => changed(size, (known) => grow(known, windows, outputPadding, axis)));
}

function grow(size: number, windows: Windows, outputPadding: readonly number[], axis: number): Dimension {
  const stride = windows.strides[axis]!;
  if (windows.autoPad.startsWith("SAME")) return size * stride;
  const kernel = windows.kernel[axis];
  if (typeof kernel !== "number") return undefined;
  const padding = windows.autoPad === "VALID" ? 0 : windows.pads[axis]! + windows.pads[axis + windows.kernel.length]!;
  return stride * (size - 1) + (outputPadding[axis] ?? 0) + (kernel - 1) * windows.dilations[axis]! + 1 - padding;
}
