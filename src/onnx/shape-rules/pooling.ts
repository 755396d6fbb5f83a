import { intAttribute, intsAttribute } from "../attributes.ts";
import { integersIn } from "./dimensions.ts";
import { type InferOutputs, type NodeFacts, rulesFor, type Shape, type ShapeRules, typed } from "./shape-rule.ts";
import { slideWindows, windowsOf } from "./windows.ts";

function pooledShape({ node, shape }: NodeFacts): Shape | undefined {
  const input = shape(0);
  if (input === undefined) return undefined;
  const kernel = intsAttribute(node, "kernel_shape") ?? input.slice(2).map(() => 1);
  return [...input.slice(0, 2), ...slideWindows(input.slice(2), windowsOf(node, kernel))];
}

const pool: InferOutputs = (facts) => {
  const shape = pooledShape(facts);
  return [typed(facts.type(0), shape), typed("int64", shape)];
};

const globalPool: InferOutputs = ({ type, shape }) => [
  typed(
    type(0),
    shape(0)?.map((size, axis) => (axis < 2 ? size : 1)),
  ),
];

/** Inputs: x, regions of interest, and for RoiAlign the batch index of each region. */
const alignRegions: InferOutputs = ({ node, type, shape }) => [
  typed(type(0), [
    shape(1)?.[0],
    shape(0)?.[1],
    intAttribute(node, "output_height", 1),
    intAttribute(node, "output_width", 1),
  ]),
];

const poolRegions: InferOutputs = ({ node, type, shape }) => [
  typed(type(0), [shape(1)?.[0], shape(0)?.[1], ...(intsAttribute(node, "pooled_shape") ?? [undefined, undefined])]),
];

const unpool: InferOutputs = ({ node, type, shape, values, has }) => {
  const input = shape(0);
  if (input === undefined || has(2)) return [typed(type(0), integersIn(values(2)))];
  const { kernel, strides, pads } = windowsOf(node, intsAttribute(node, "kernel_shape") ?? []);
  const sizes = input.slice(2).map((size, axis) => {
    const extent = kernel[axis];
    if (typeof size !== "number" || typeof extent !== "number") return undefined;
    return (size - 1) * strides[axis]! - pads[axis]! - pads[axis + kernel.length]! + extent;
  });
  return [typed(type(0), [...input.slice(0, 2), ...sizes])];
};

/** Pooling over windows, whole planes, and regions of interest. */
export const POOLING_RULES: ShapeRules = {
  ...rulesFor(["MaxPool", "AveragePool", "LpPool"], { infer: pool }),
  ...rulesFor(["GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"], { infer: globalPool }),
  RoiAlign: { infer: alignRegions },
  MaxRoiPool: { infer: poolRegions },
  MaxUnpool: { infer: unpool, reads: [2] },
};
