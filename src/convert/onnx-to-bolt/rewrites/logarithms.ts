import { intAttribute, intsAttribute } from "../../../onnx/attributes.ts";
import type { OnnxValue } from "../../../onnx/model.ts";
import type { Rewrite, RewriteTable, Rewriting } from "./rewrite.ts";

/** A reduction of another value over the same axes. */
function reduced(rewriting: Rewriting, type: string, input: OnnxValue, suffix: string, keepdims: number): OnnxValue {
  const { node } = rewriting;
  if (node.inputs[1] !== undefined && node.inputs[1].constant === undefined)
    rewriting.fail("its axes are computed while the network runs");
  const axes = intsAttribute(node, "axes");
  return rewriting.add(type, [input, ...node.inputs.slice(1)], suffix, {
    keepdims,
    noop_with_empty_axes: intAttribute(node, "noop_with_empty_axes", 0),
    axes,
  });
}

const logarithmOfSum: Rewrite = (rewriting) => {
  const keepdims = intAttribute(rewriting.node, "keepdims", 1);
  rewriting.replace("Log", [reduced(rewriting, "ReduceSum", rewriting.node.input(0), "sum", keepdims)]);
};

/** m + ln Σ exp(x - m) with m the greatest, so that nothing overflows. */
const logarithmOfExponentials: Rewrite = (rewriting) => {
  const input = rewriting.node.input(0);
  const keepdims = intAttribute(rewriting.node, "keepdims", 1);
  const greatest = reduced(rewriting, "ReduceMax", input, "greatest", 1);
  const powers = rewriting.add("Exp", [rewriting.add("Sub", [input, greatest], "below")], "powers");
  const logarithm = rewriting.add("Log", [reduced(rewriting, "ReduceSum", powers, "sum", keepdims)], "logarithm");
  const offset = keepdims === 0 ? reduced(rewriting, "ReduceMax", input, "offset", 0) : greatest;
  rewriting.replace("Add", [logarithm, offset]);
};

/** Reductions that end in a logarithm. */
export const LOGARITHM_REWRITES: RewriteTable = {
  ReduceLogSum: logarithmOfSum,
  ReduceLogSumExp: logarithmOfExponentials,
};
