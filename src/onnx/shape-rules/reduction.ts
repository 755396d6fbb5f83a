import type { Dimension } from "../../graph/tensor.ts";
import { intAttribute, intsAttribute } from "../attributes.ts";
import type { OnnxNode } from "../model.ts";
import { axesOf, axisOf, changed, integersIn, unknownShape } from "./dimensions.ts";
import { type InferOutputs, type NodeFacts, rulesFor, type Shape, type ShapeRules, typed } from "./shape-rule.ts";

/** The axes to reduce: all if none are given, unless the node says that none then means none. Undefined: not known. */
export function reducedAxes(
  node: OnnxNode,
  input: readonly Dimension[] | undefined,
  rank: number,
): number[] | undefined {
  const given = intsAttribute(node, "axes") ?? (node.inputs[1] === undefined ? [] : integersIn(input));
  if (given === undefined) return undefined;
  if (given.length > 0) return axesOf(given, rank);
  return intAttribute(node, "noop_with_empty_axes", 0) ? [] : Array.from({ length: rank }, (_, axis) => axis);
}

/** The shape without the axes, or with ones in their place. */
export function reducedShape(shape: Shape, axes: readonly number[], keep: boolean): Dimension[] {
  const gone = new Set(axes);
  if (keep) return shape.map((size, axis) => (gone.has(axis) ? 1 : size));
  return shape.filter((_, axis) => !gone.has(axis));
}

function reduced({ node, shape, values }: NodeFacts): Shape | undefined {
  const input = shape(0);
  if (input === undefined) return undefined;
  const keep = intAttribute(node, "keepdims", 1) !== 0;
  const axes = reducedAxes(node, values(1), input.length);
  if (axes !== undefined) return reducedShape(input, axes, keep);
  return keep ? unknownShape(input.length) : undefined;
}

const argument: InferOutputs = ({ node, shape }) => {
  const input = shape(0);
  if (input === undefined) return [typed("int64", undefined)];
  const axis = axisOf(intAttribute(node, "axis", 0), input.length);
  return [typed("int64", reducedShape(input, [axis], intAttribute(node, "keepdims", 1) !== 0))];
};

const topK: InferOutputs = ({ node, type, shape, values }) => {
  const input = shape(0);
  if (input === undefined) return [typed(type(0), undefined), typed("int64", undefined)];
  const axis = axisOf(intAttribute(node, "axis", -1), input.length);
  const stated = intAttribute(node, "k", -1);
  const count = stated >= 0 ? stated : values(1)?.[0];
  const most = input[axis];
  const size = changed(count, (known) => (typeof most === "number" ? Math.min(known, most) : known));
  const result = input.map((old, index) => (index === axis ? size : old));
  return [typed(type(0), result), typed("int64", result)];
};

const REDUCTIONS = "L1 L2 LogSum LogSumExp Max Mean Min Prod Sum SumSquare".split(" ").map((name) => `Reduce${name}`);

/** Reductions over axes, and the greatest elements of one. */
export const REDUCTION_RULES: ShapeRules = {
  ...rulesFor(REDUCTIONS, { infer: (facts) => [typed(facts.type(0), reduced(facts))], reads: [1] }),
  ...rulesFor(["ArgMax", "ArgMin"], { infer: argument }),
  TopK: { infer: topK, reads: [1] },
};
