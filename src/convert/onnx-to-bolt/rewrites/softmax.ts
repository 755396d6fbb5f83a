import { intAttribute } from "../../../onnx/attributes.ts";
import { axisOf } from "../../../onnx/shape-rules/dimensions.ts";
import { integerTensor } from "../../../onnx/tensor-data.ts";
import type { Rewrite, RewriteTable } from "./rewrite.ts";

/** Since this opset a softmax goes along one axis; before, over all axes from it on. */
const ONE_AXIS = 13;

const softmax: Rewrite = (rewriting) => {
  const { node, opset } = rewriting;
  if (opset >= ONE_AXIS) return;
  const shape = rewriting.shapeOf(0);
  const axis = axisOf(intAttribute(node, "axis", 1), shape.length);
  const long = shape.flatMap((size, index) => (index >= axis && size !== 1 ? [index] : []));
  if (long.length <= 1) return rewriting.setAttribute("axis", long[0] ?? shape.length - 1);
  const target = rewriting.constant("shape", integerTensor([shape.length], rewriting.staticShapeOf(0)));
  const rows = rewriting.add("Flatten", [node.input(0)], "rows", { axis });
  const result = rewriting.add(node.type, [rows], "softmax", { axis: 1 });
  rewriting.replace("Reshape", [result, target]);
};

/** Softmax and LogSoftmax over several axes, as they were before opset 13. */
export const SOFTMAX_REWRITES: RewriteTable = { Softmax: softmax, LogSoftmax: softmax };
