import type { Dimension, TensorType } from "../../graph/tensor.ts";
import { intAttribute, intsAttribute } from "../attributes.ts";
import { axesOf, axisOf, changed, integersIn, knownOf, sumOf, unknownShape, withDimension } from "./dimensions.ts";
import { type InferOutputs, type NodeFacts, rulesFor, type Shape, type ShapeRules, typed } from "./shape-rule.ts";

const concat: InferOutputs = ({ node, type, shape }) => {
  const shapes = node.inputs.map((_, index) => shape(index));
  const known = shapes.find((one) => one !== undefined);
  if (known === undefined) return [typed(type(0), undefined)];
  const axis = axisOf(intAttribute(node, "axis", 1), known.length);
  const result = known.map((_, index) =>
    index === axis
      ? sumOf(shapes.map((one) => one?.[axis]))
      : shapes.map((one) => one?.[index]).reduce((size, other) => knownOf(size, other)),
  );
  return [typed(type(0), result)];
};

const split: InferOutputs = ({ node, type, shape, values, has }) => {
  const input = shape(0);
  const count = node.outputs.length;
  if (input === undefined) return node.outputs.map(() => typed(type(0), undefined));
  const axis = axisOf(intAttribute(node, "axis", 0), input.length);
  const stated = intsAttribute(node, "split") ?? values(1);
  const sizes = stated ?? (has(1) ? unknownShape(count) : equalParts(input[axis], count));
  return node.outputs.map((_, index) => typed(type(0), withDimension(input, axis, sizes[index])));
};

/** The last part is smaller where the size does not divide. */
function equalParts(size: Dimension, count: number): Dimension[] {
  return Array.from({ length: count }, (_, index) =>
    changed(size, (known) => {
      const part = Math.ceil(known / count);
      return Math.max(0, Math.min(part, known - index * part));
    }),
  );
}

/** What a Slice takes of one axis: elements first, first + step, … */
export interface SliceSpan {
  readonly first: number;
  readonly step: number;
  readonly count: number;
}

/** What `start:end:step` takes of `size` elements, with ONNX's clamping. */
export function sliceSpan(size: number, start: number, end: number, step: number): SliceSpan {
  const fromEnd = (place: number) => (place < 0 ? place + size : place);
  const clamp = (place: number, least: number, most: number) => Math.max(least, Math.min(most, place));
  const first = step > 0 ? clamp(fromEnd(start), 0, size) : clamp(fromEnd(start), 0, size - 1);
  const stop = step > 0 ? clamp(fromEnd(end), 0, size) : clamp(fromEnd(end), -1, size - 1);
  return { first, step, count: step === 0 ? 0 : Math.max(0, Math.ceil((stop - first) / step)) };
}

/** Starts, ends, axes and steps of a Slice: attributes before opset 10, inputs since. */
export interface SliceBounds {
  readonly starts: readonly Dimension[];
  readonly ends: readonly Dimension[];
  readonly axes: readonly number[];
  readonly steps: readonly Dimension[];
}

/** The bounds; undefined when the axes are not known. `values` looks up an input's elements. */
export function sliceBounds(
  node: NodeFacts["node"],
  values: NodeFacts["values"],
  rank: number,
): SliceBounds | undefined {
  const starts = intsAttribute(node, "starts") ?? values(1);
  const ends = intsAttribute(node, "ends") ?? values(2);
  const stated = intsAttribute(node, "axes") ?? integersIn(values(3));
  if (stated === undefined && (node.inputs[3] !== undefined || (starts ?? ends) === undefined)) return undefined;
  const axes = axesOf(stated ?? (starts ?? ends)!.map((_, axis) => axis), rank);
  const steps = values(4) ?? axes.map(() => (node.inputs[4] === undefined ? 1 : undefined));
  return { starts: starts ?? unknownShape(axes.length), ends: ends ?? unknownShape(axes.length), axes, steps };
}

const slice: InferOutputs = ({ node, type, shape, values }) => {
  const input = shape(0);
  if (input === undefined) return [typed(type(0), undefined)];
  const bounds = sliceBounds(node, values, input.length);
  if (bounds === undefined) return [typed(type(0), unknownShape(input.length))];
  const result = [...input];
  bounds.axes.forEach((axis, index) => {
    result[axis] = slicedSize(result[axis], bounds.starts[index], bounds.ends[index], bounds.steps[index]);
  });
  return [typed(type(0), result)];
};

/** Ends at least this far stand for "to the end". */
const FAR = 2 ** 31 - 1;

function slicedSize(size: Dimension, start: Dimension, end: Dimension, step: Dimension): Dimension {
  if (typeof start !== "number" || typeof step !== "number") return undefined;
  if (start === 0 && step === 1 && (end === size || (typeof end === "number" && end >= FAR))) return size;
  if (typeof size !== "number" || typeof end !== "number") return undefined;
  return sliceSpan(size, start, end, step).count;
}

const gather: InferOutputs = ({ node, type, shape }) => {
  const data = shape(0);
  const indices = shape(1);
  if (data === undefined || indices === undefined) return [typed(type(0), undefined)];
  const axis = axisOf(intAttribute(node, "axis", 0), data.length);
  return [typed(type(0), [...data.slice(0, axis), ...indices, ...data.slice(axis + 1)])];
};

const gatherND: InferOutputs = ({ node, type, shape }) => {
  const data = shape(0);
  const indices = shape(1);
  const depth = indices?.at(-1);
  if (data === undefined || indices === undefined || typeof depth !== "number") return [typed(type(0), undefined)];
  const batch = intAttribute(node, "batch_dims", 0);
  return [typed(type(0), [...indices.slice(0, -1), ...data.slice(batch + depth)])];
};

const pad: InferOutputs = ({ node, type, shape, values }) => {
  const input = shape(0);
  if (input === undefined) return [typed(type(0), undefined)];
  const pads = intsAttribute(node, "pads") ?? intsAttribute(node, "paddings") ?? values(1);
  const stated = integersIn(values(3));
  const axes = stated === undefined ? input.map((_, axis) => axis) : axesOf(stated, input.length);
  const result = [...input];
  axes.forEach((axis, index) => {
    const before = pads?.[index];
    const after = pads?.[index + axes.length];
    result[axis] = paddedSize(result[axis], before, after);
  });
  return [typed(type(0), result)];
};

function paddedSize(size: Dimension, before: Dimension, after: Dimension): Dimension {
  if (before === 0 && after === 0) return size;
  return typeof before === "number" && typeof after === "number"
    ? changed(size, (known) => known + before + after)
    : undefined;
}

const compress: InferOutputs = ({ node, type, shape }) => {
  const input = shape(0);
  if (!node.data.attributes.has("axis")) return [typed(type(0), [undefined])];
  if (input === undefined) return [typed(type(0), undefined)];
  return [typed(type(0), withDimension(input, axisOf(intAttribute(node, "axis", 0), input.length), undefined))];
};

const nonZero: InferOutputs = ({ shape, values }) => {
  const count = integersIn(values(0))?.filter((value) => value !== 0).length;
  return [typed("int64", [shape(0)?.length, count])];
};

/** The unique elements or slices, and three lists of indices. */
const unique: InferOutputs = ({ node, type, shape }) => {
  const input = shape(0);
  const flat = !node.data.attributes.has("axis");
  const axis = flat || input === undefined ? 0 : axisOf(intAttribute(node, "axis", 0), input.length);
  const first: Shape | undefined = flat ? [undefined] : input && withDimension(input, axis, undefined);
  const index: TensorType = { type: "int64", shape: [undefined] };
  return [typed(type(0), first), index, index, index];
};

const oneHot: InferOutputs = ({ node, type, shape, values }) => {
  const indices = shape(0);
  if (indices === undefined) return [typed(type(2), undefined)];
  const axis = axisOf(intAttribute(node, "axis", -1), indices.length + 1);
  return [typed(type(2), [...indices.slice(0, axis), values(1)?.[0], ...indices.slice(axis)])];
};

/** Operators that take parts of tensors or put tensors together. */
export const SLICING_RULES: ShapeRules = {
  Concat: { infer: concat },
  Split: { infer: split, reads: [1] },
  Slice: { infer: slice, reads: [1, 2, 3, 4] },
  Gather: { infer: gather },
  GatherElements: { infer: ({ type, shape }) => [typed(type(0), shape(1))] },
  GatherND: { infer: gatherND },
  Pad: { infer: pad, reads: [1, 3] },
  Compress: { infer: compress },
  NonZero: { infer: nonZero, reads: [0] },
  Unique: { infer: unique },
  OneHot: { infer: oneHot, reads: [1] },
  ...rulesFor(["NonMaxSuppression"], { infer: () => [typed("int64", [undefined, 3])] }),
};
