import type { Dimension } from "../../graph/tensor.ts";
import { floatsAttribute, intsAttribute, textAttribute } from "../attributes.ts";
import { axesOf, changed, integersIn } from "./dimensions.ts";
import { type InferOutputs, type NodeFacts, type Shape, type ShapeRules, typed } from "./shape-rule.ts";

/** Inputs: x, region of interest, scales, sizes; in opset 10 (and Upsample) x, scales. */
const resize: InferOutputs = (facts) => {
  const input = facts.shape(0);
  if (input === undefined) return [typed(facts.type(0), undefined)];
  const stated = intsAttribute(facts.node, "axes");
  const axes = stated === undefined ? input.map((_, axis) => axis) : axesOf(stated, input.length);
  const sizes = resizedAxes(
    facts,
    axes.map((axis) => input[axis]),
  );
  const result = [...input];
  axes.forEach((axis, index) => {
    result[axis] = sizes[index];
  });
  return [typed(facts.type(0), result)];
};

function resizedAxes({ node, values, shape, has }: NodeFacts, axes: Shape): readonly Dimension[] {
  const old = node.type === "Upsample" || node.inputs.length === 2;
  const scales = floatsAttribute(node, "scales") ?? values(old ? 1 : 2);
  if (scales !== undefined && scales.length > 0) return axes.map((size, index) => scaled(size, scales[index]));
  if (old || !has(3) || shape(3)?.[0] === 0) return axes.map(() => undefined);
  return fitted(axes, values(3), textAttribute(node, "keep_aspect_ratio_policy", "stretch"));
}

function scaled(size: Dimension, scale: Dimension): Dimension {
  if (scale === 1) return size;
  return typeof scale === "number" ? changed(size, (known) => Math.floor(known * scale)) : undefined;
}

/** With a policy, one scale for all axes: the least or greatest of those that the sizes ask for. */
function fitted(axes: Shape, sizes: readonly Dimension[] | undefined, policy: string): readonly Dimension[] {
  if (policy === "stretch") return axes.map((_, index) => sizes?.[index]);
  const wanted = integersIn(sizes);
  const known = integersIn(axes);
  if (wanted === undefined || known === undefined) return axes.map(() => undefined);
  const scales = known.map((size, index) => wanted[index]! / size);
  const scale = policy === "not_larger" ? Math.min(...scales) : Math.max(...scales);
  return known.map((size) => Math.floor(size * scale + 0.5));
}

const gridSample: InferOutputs = ({ type, shape }) => {
  const input = shape(0);
  const grid = shape(1);
  return [typed(type(0), input && grid && [input[0], input[1], ...grid.slice(1, -1)])];
};

const affineGrid: InferOutputs = ({ type, values }) => {
  const size = values(1);
  return [typed(type(0), size && [size[0], ...size.slice(2), size.length - 2])];
};

/** Resampling of spatial axes. */
export const RESIZE_RULES: ShapeRules = {
  Resize: { infer: resize, reads: [1, 2, 3] },
  Upsample: { infer: resize, reads: [1] },
  GridSample: { infer: gridSample },
  AffineGrid: { infer: affineGrid, reads: [1] },
};
