import { intAttribute, intsAttribute, textAttribute } from "../../../onnx/attributes.ts";
import { shapeOf } from "../../../onnx/shape-rules/shape-rule.ts";
import { type Windows, windowsOf } from "../../../onnx/shape-rules/windows.ts";
import type { Rewrite, RewriteTable, Rewriting } from "./rewrite.ts";

/** The padding of each axis as beginnings, then ends: what is odd goes where `auto_pad` says. */
function splitPadding(totals: readonly number[], atEnd: boolean): number[] {
  const less = totals.map((total) => Math.floor(total / 2));
  const more = totals.map((total, axis) => total - less[axis]!);
  return atEnd ? [...less, ...more] : [...more, ...less];
}

export function windowsFor(rewriting: Rewriting): Windows {
  const { node } = rewriting;
  const stated = intsAttribute(node, "kernel_shape") ?? shapeOf(node.inputs[1])?.slice(2);
  const kernel = stated ?? rewriting.fail("its kernel is unknown");
  const axes = rewriting.shapeOf(0).length - 2;
  if (kernel.length !== axes) rewriting.fail(`its kernel has ${kernel.length} axes, but its input ${axes}`);
  return windowsOf(node, kernel);
}

function extentOf({ kernel, dilations }: Windows, axis: number): number {
  return (Number(kernel[axis]) - 1) * dilations[axis]! + 1;
}

function setPads(rewriting: Rewriting, pads: readonly number[]): void {
  rewriting.setAttribute("auto_pad", undefined);
  rewriting.setAttribute("pads", pads);
}

/** `auto_pad` as pads: Bolt knows SAME_UPPER alone, and of pooling at stride 1 alone. */
export const slidingWindow: Rewrite = (rewriting) => {
  const autoPad = textAttribute(rewriting.node, "auto_pad", "NOTSET");
  if (autoPad === "NOTSET") return;
  const windows = windowsFor(rewriting);
  if (autoPad === "VALID")
    return setPads(
      rewriting,
      windows.pads.map(() => 0),
    );
  const fixed = windows.strides.every((stride) => stride === 1);
  const sizes = fixed ? windows.kernel.map(() => 1) : rewriting.staticShapeOf(0).slice(2);
  const totals = sizes.map((size, axis) => {
    const stride = windows.strides[axis]!;
    return Math.max(0, (Math.ceil(size / stride) - 1) * stride + extentOf(windows, axis) - size);
  });
  setPads(rewriting, splitPadding(totals, autoPad === "SAME_UPPER"));
};

const pooling: Rewrite = (rewriting) => {
  if (intsAttribute(rewriting.node, "dilations")?.some((dilation) => dilation !== 1))
    rewriting.fail("Bolt's pooling has no dilation", "Replace it before exporting");
  if (rewriting.isUsed(rewriting.node.outputs[1]) && intAttribute(rewriting.node, "storage_order", 0) !== 0)
    rewriting.fail("Bolt counts the places of the greatest in rows", "Export the model with storage_order 0");
  slidingWindow(rewriting);
};

const globalMaximum: Rewrite = (rewriting) => {
  const axes = rewriting.shapeOf(0).flatMap((_, axis) => (axis < 2 ? [] : [axis]));
  rewriting.replace("ReduceMax", [rewriting.node.input(0)], { axes, keepdims: 1 });
};

/** A stated output shape, or `auto_pad`, as pads. */
const transposedWindow: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const autoPad = textAttribute(node, "auto_pad", "NOTSET");
  const stated = intsAttribute(node, "output_shape");
  if (stated === undefined && autoPad === "NOTSET") return;
  const windows = windowsFor(rewriting);
  rewriting.setAttribute("output_shape", undefined);
  if (stated === undefined && autoPad === "VALID")
    return setPads(
      rewriting,
      windows.pads.map(() => 0),
    );
  const sizes = rewriting.staticShapeOf(0).slice(2);
  const wanted = stated?.slice(-sizes.length) ?? sizes.map((size, axis) => size * windows.strides[axis]!);
  const more = intsAttribute(node, "output_padding") ?? [];
  const totals = sizes.map(
    (size, axis) => windows.strides[axis]! * (size - 1) + (more[axis] ?? 0) + extentOf(windows, axis) - wanted[axis]!,
  );
  if (totals.some((total) => total < 0)) rewriting.fail("its output is larger than its windows reach");
  setPads(rewriting, splitPadding(totals, autoPad === "SAME_UPPER"));
};

/** Windows that slide over a map: convolution and pooling. */
export const WINDOW_REWRITES: RewriteTable = {
  Conv: slidingWindow,
  MaxPool: pooling,
  AveragePool: pooling,
  ConvTranspose: transposedWindow,
  GlobalMaxPool: globalMaximum,
};
