import { intsAttribute } from "../../../onnx/attributes.ts";
import type { OnnxValue } from "../../../onnx/model.ts";
import { isStatic } from "../../../onnx/shape-rules/dimensions.ts";
import { shapeOf } from "../../../onnx/shape-rules/shape-rule.ts";
import { type Formula, formulaOf } from "./formula.ts";
import type { Rewrite, RewriteTable, Rewriting } from "./rewrite.ts";
import { slidingWindow, windowsFor } from "./windows.ts";

/** Windows longer than this along an axis are not taken apart. */
const MOST_PLACES = 64;

/** How a window with holes moves along one axis of a padded map. */
interface Holes {
  readonly axis: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** How many windows there are. */
  readonly count: number;
}

/** The greatest in windows with holes, along one axis after the other. */
const dilatedMaximum: Rewrite = (rewriting) => {
  const { node } = rewriting;
  if (!intsAttribute(node, "dilations")?.some((dilation) => dilation !== 1)) return;
  if (rewriting.isUsed(node.outputs[1]))
    rewriting.fail("Bolt's pooling has no dilation", "Replace it before exporting");
  slidingWindow(rewriting);
  const { kernel, strides, dilations, pads } = windowsFor(rewriting);
  const [input, output] = [rewriting.staticShapeOf(0).slice(2), shapeOf(node.outputs[0])?.slice(2)];
  if (!isStatic(kernel) || !isStatic(output)) return rewriting.fail("the size of its result is unknown");
  const formula = formulaOf(rewriting);
  const holes = kernel.map(
    (size, index): Holes => ({
      axis: index + 2,
      kernel: size,
      stride: strides[index]!,
      dilation: dilations[index]!,
      count: output[index]!,
    }),
  );
  const before = pads.slice(0, kernel.length);
  const after = holes.map((along, index) => Math.max(0, reachOf(along) - input[index]! - before[index]!));
  const edges = formula.integers([0, 0, ...before, 0, 0, ...after]);
  const padded = formula.op("Pad", [node.input(0), edges, Number.NEGATIVE_INFINITY]);
  rewriting.become(holes.reduce((map, along) => maximumAlong(rewriting, formula, map, along), padded));
};

/** How much of the axis all windows together see. */
function reachOf({ kernel, stride, dilation, count }: Holes): number {
  return (count - 1) * stride + (kernel - 1) * dilation + 1;
}

/**
 * Windows that move by whole holes see every so many elements, and no holes among these. Else the greatest is that of what
 * each place of the window sees.
 */
function maximumAlong(rewriting: Rewriting, formula: Formula, map: OnnxValue, along: Holes): OnnxValue {
  const { op, integers } = formula;
  const { axis, kernel, stride, dilation, count } = along;
  const every = (start: number, end: number, step: number) =>
    op("Slice", [map, integers([start]), integers([end]), integers([axis]), integers([step])]);
  if (stride % dilation === 0) {
    const rank = rewriting.shapeOf(0).length;
    const spatial = (value: number) => Array.from({ length: rank - 2 }, (_, index) => (index + 2 === axis ? value : 1));
    return op("MaxPool", [every(0, reachOf(along), dilation)], {
      kernel_shape: spatial(kernel),
      strides: spatial(stride / dilation),
    });
  }
  if (kernel > MOST_PLACES)
    rewriting.fail("Bolt's pooling has no dilation, and its window is too large to be taken apart");
  const starts = Array.from({ length: kernel }, (_, place) => place * dilation);
  return op(
    "Max",
    starts.map((start) => every(start, start + (count - 1) * stride + 1, stride)),
  );
}

/** Pooling with holes in its windows. */
export const DILATED_POOLING_EXPANSIONS: RewriteTable = { MaxPool: dilatedMaximum };
