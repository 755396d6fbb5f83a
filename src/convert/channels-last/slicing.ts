import type { OnnxValue } from "../../onnx/model.ts";
import type { LayoutParts } from "./layout.ts";

/** Bounds of the format's axes, as TensorFlow's StridedSlice has them; of the masks, bit i is for entry i. */
export interface StridedBounds {
  readonly begin: readonly number[];
  readonly end: readonly number[];
  readonly strides: readonly number[];
  /** Entries that begin, or end, where the axis does. */
  readonly beginMask: number;
  readonly endMask: number;
  /** The entry that stands for all axes that no other names. */
  readonly ellipsisMask?: number;
  /** Entries that put in an axis of size 1. */
  readonly newAxisMask?: number;
  /** Entries that take one place and the axis out. */
  readonly shrinkMask: number;
}

const END = 2 ** 31 - 1;

/** Part of a value, by bounds of which some may be left out. */
export function stridedSlice(parts: LayoutParts, value: OnnxValue, bounds: StridedBounds): OnnxValue {
  const { begin, end, strides, beginMask, endMask, ellipsisMask = 0, newAxisMask = 0, shrinkMask } = bounds;
  const shape = parts.lastShapeOf(value);
  const set = (mask: number, entry: number) => (mask & (1 << entry)) !== 0;
  const isAxis = (entry: number) => !set(ellipsisMask, entry) && !set(newAxisMask, entry);
  const named = begin.filter((_, entry) => isAxis(entry)).length;
  const even = end.length === begin.length && strides.length === begin.length;
  if (!even || begin.length > 31 || named > shape.length || strides.includes(0))
    parts.fail("format", "its bounds do not fit its input");
  const [starts, ends, steps] = [shape.map(() => 0), shape.map(() => END), shape.map(() => 1)];
  /** Axes of the result: those that are left of the input, and new ones. */
  const left: (number | "new")[] = [];
  let axis = 0;
  begin.forEach((from, entry) => {
    if (set(ellipsisMask, entry)) {
      for (const stop = axis + shape.length - named; axis < stop; axis++) left.push(axis);
    } else if (set(newAxisMask, entry)) left.push("new");
    else {
      const isShrunk = set(shrinkMask, entry);
      const step = isShrunk ? 1 : strides[entry]!;
      starts[axis] = set(beginMask, entry) && !isShrunk ? (step > 0 ? 0 : END) : from;
      if (isShrunk) ends[axis] = from === -1 ? END : from + 1;
      else ends[axis] = set(endMask, entry) ? (step > 0 ? END : -END) : end[entry]!;
      steps[axis] = step;
      if (!isShrunk) left.push(axis);
      axis++;
    }
  });
  for (; axis < shape.length; axis++) left.push(axis);
  const part = sliced(parts, value, starts, ends, steps);
  if (left.length === shape.length && !left.includes("new")) return part;
  const sizes = parts.lastShapeOf(part);
  const result = left.map((place) => (place === "new" ? 1 : sizes[place]!));
  return parts.first(parts.reshaped(parts.last(part), result));
}

/** Part of a value, by bounds of the format's axes; those that keep an axis whole are left out. */
export function sliced(
  parts: LayoutParts,
  value: OnnxValue,
  starts: readonly number[],
  ends: readonly number[],
  steps: readonly number[] = starts.map(() => 1),
): OnnxValue {
  const shape = parts.lastShapeOf(value);
  if (starts.length !== shape.length || ends.length !== shape.length || steps.length !== shape.length)
    parts.fail("format", "its bounds do not fit its input");
  const axes = starts.flatMap((start, axis) =>
    start === 0 && ends[axis]! >= shape[axis]! && steps[axis] === 1 ? [] : [axis],
  );
  if (axes.length === 0) return value;
  const view = parts.view([value]);
  const chosen = (name: string, values: readonly number[]) =>
    parts.integers(
      name,
      axes.map((axis) => values[axis]!),
    );
  const places = parts.integers("axes", axes.map(view.axis));
  return view.result(
    parts.add("Slice", [
      ...view.values,
      chosen("starts", starts),
      chosen("ends", ends),
      places,
      chosen("steps", steps),
    ]),
  );
}

/** Cuts a value along an axis of the format into parts of these sizes. */
export function split(
  parts: LayoutParts,
  input: OnnxValue,
  stated: number,
  sizes: readonly number[],
): readonly OnnxValue[] {
  const view = parts.view([input]);
  const [value] = view.values as [OnnxValue];
  const shape = parts.shapeOf(value);
  const axis = view.axis(parts.place(stated, shape.length));
  if (sizes.reduce((sum, size) => sum + size, 0) !== shape[axis])
    parts.fail("format", `parts of ${sizes.join(", ")} do not make ${shape[axis]}`);
  const pieces = parts.builder.addMany("Split", [value, parts.integers("sizes", sizes)], {
    name: parts.name,
    attributes: { axis },
    outputs: sizes.map((size) => ({ type: value.type?.type ?? "float32", shape: shape.with(axis, size) })),
  });
  return pieces.map((piece, index) => view.result(piece, `first${index}`));
}

/** The size of each of `count` equal parts of an axis of the format. */
export function evenSizes(parts: LayoutParts, input: OnnxValue, axis: number, count: number): readonly number[] {
  const shape = parts.lastShapeOf(input);
  const size = shape[parts.place(axis, shape.length)]! / count;
  if (count < 1 || !Number.isInteger(size)) parts.fail("format", `it cannot be cut into ${count} equal parts`);
  return new Array<number>(count).fill(size);
}

/** Cuts a value into places of an axis, which is taken out. */
export function unpacked(parts: LayoutParts, input: OnnxValue, stated: number, count: number): readonly OnnxValue[] {
  const shape = parts.lastShapeOf(input);
  const axis = parts.place(stated, shape.length);
  const pieces = split(parts, input, axis, new Array<number>(count).fill(1));
  const left = shape.toSpliced(axis, 1);
  return pieces.map((piece, index) =>
    parts.first(parts.reshaped(parts.last(piece, `last${index}`), left, `part${index}`), `turned${index}`),
  );
}
