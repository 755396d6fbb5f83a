import { textAttribute } from "../../../onnx/attributes.ts";
import { axisOf } from "../../../onnx/shape-rules/dimensions.ts";
import { integersOf, integerTensor } from "../../../onnx/tensor-data.ts";
import type { Rewrite, RewriteTable } from "./rewrite.ts";

/** Since this opset regions are moved by half a pixel, unless they say otherwise. */
const MOVED_SINCE = 16;

/** Bolt's engine never moves regions, and makes each at least one pixel wide. */
const roiAlign: Rewrite = (rewriting) => {
  const absent = rewriting.opset < MOVED_SINCE ? "output_half_pixel" : "half_pixel";
  if (textAttribute(rewriting.node, "coordinate_transformation_mode", absent) !== "output_half_pixel")
    rewriting.fail("Bolt moves regions by no half pixel", "Export the model with output_half_pixel");
  rewriting.setAttribute("coordinate_transformation_mode", "output_half_pixel");
};

/** Bolt counts axes from the front. */
const cumulativeSum: Rewrite = async (rewriting) => {
  const constant = rewriting.node.input(1).constant;
  if (constant === undefined) return rewriting.fail("its axis is computed while the network runs");
  const [axis] = await integersOf(constant);
  if (axis! < 0)
    rewriting.node.setInput(
      1,
      rewriting.constant("axis", integerTensor([], [axisOf(axis!, rewriting.shapeOf(0).length)])),
    );
};

/** Operators that say where elements lie, and those that make them. */
export const INDEXING_REWRITES: RewriteTable = {
  RoiAlign: roiAlign,
  CumSum: cumulativeSum,
};
