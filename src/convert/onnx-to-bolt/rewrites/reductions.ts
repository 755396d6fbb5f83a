import { intAttribute, intsAttribute } from "../../../onnx/attributes.ts";
import type { OnnxValue } from "../../../onnx/model.ts";
import { axisOf } from "../../../onnx/shape-rules/dimensions.ts";
import type { Rewrite, RewriteTable, Rewriting } from "./rewrite.ts";

/** Without axes a reduction is over all of them, unless it says that none are meant. */
const reduction: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const given = node.inputs[1];
  if (given !== undefined && given.constant === undefined)
    rewriting.fail("its axes are computed while the network runs");
  const count = given?.constant?.shape[0] ?? intsAttribute(node, "axes")?.length ?? 0;
  if (count === 0 && intAttribute(node, "noop_with_empty_axes", 0) !== 0)
    rewriting.replace("Identity", [node.input(0)]);
};

/** A sum of magnitudes or squares. */
const sumOf =
  (change: (input: OnnxValue, rewriting: Rewriting) => OnnxValue): Rewrite =>
  (rewriting) => {
    const { node } = rewriting;
    node.setInput(0, change(node.input(0), rewriting));
    node.type = "ReduceSum";
    reduction(rewriting);
  };

/** Bolt finds the greatest alone, and drops the axis. */
const argument: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const axis = axisOf(intAttribute(node, "axis", 0), rewriting.shapeOf(0).length);
  rewriting.setAttribute("axis", axis);
  const [source] = node.inputs;
  const greatest = node.type === "ArgMin" ? rewriting.add("Neg", [source], "negated") : source;
  if (intAttribute(node, "keepdims", 1) === 0) {
    if (node.type === "ArgMin") rewriting.replace("ArgMax", [greatest], { axis, keepdims: 0 });
    return;
  }
  const place = rewriting.add("ArgMax", [greatest], "place", { axis, keepdims: 0 });
  rewriting.replace("Unsqueeze", [place], { axes: [axis] });
};

/** Bolt's goes along the innermost axis, or the channels of a map of one pixel. */
const lpNormalization: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const shape = rewriting.shapeOf(0);
  const axis = axisOf(intAttribute(node, "axis", -1), shape.length);
  const own = shape.length === 4 && shape[2] === 1 && shape[3] === 1 ? 1 : shape.length - 1;
  const order = intAttribute(node, "p", 2);
  if (order === 2 && axis === own) return;
  const input = node.input(0);
  const summed = order === 2 ? input : rewriting.add("Abs", [input], "magnitude");
  const norm = rewriting.add(order === 2 ? "ReduceL2" : "ReduceSum", [summed], "norm", { axes: [axis], keepdims: 1 });
  rewriting.replace("Div", [input, norm]);
};

const REDUCTIONS = "Sum Mean Max Min L2 Prod".split(" ").map((name) => `Reduce${name}`);

/** Reductions over axes. */
export const REDUCTION_REWRITES: RewriteTable = {
  ...Object.fromEntries(REDUCTIONS.map((type) => [type, reduction])),
  ReduceL1: sumOf((input, rewriting) => rewriting.add("Abs", [input], "magnitudes")),
  ReduceSumSquare: sumOf((input, rewriting) => rewriting.add("Mul", [input, input], "squares")),
  ArgMax: argument,
  ArgMin: argument,
  LpNormalization: lpNormalization,
};
