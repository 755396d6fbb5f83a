import type { Dimension } from "../../graph/tensor.ts";
import { BoltqError } from "../../io/error.ts";
import type { Shape } from "./shape-rule.ts";

/** Whether every dimension is a number. */
export function isStatic(shape: Shape | undefined): shape is readonly number[] {
  return shape?.every((size) => typeof size === "number") ?? false;
}

/** Product of the dimensions; a single symbol among ones stays; undefined when it cannot be told. */
export function productOf(dimensions: Shape): Dimension {
  if (dimensions.includes(0)) return 0;
  return dimensions.reduce(multiply, 1);
}

/** Product of two dimensions. */
export function multiply(one: Dimension, other: Dimension): Dimension {
  if (typeof one === "number" && typeof other === "number") return one * other;
  if (one === 1) return other;
  return other === 1 ? one : undefined;
}

/** Sum of dimensions; undefined when it cannot be told. */
export function sumOf(dimensions: Shape): Dimension {
  return dimensions.reduce((sum, size) => {
    if (typeof sum === "number" && typeof size === "number") return sum + size;
    if (sum === 0) return size;
    return size === 0 ? sum : undefined;
  }, 0);
}

/** `change` of a dimension that is a number; any other becomes unknown. */
export function changed(size: Dimension, change: (size: number) => Dimension): Dimension {
  return typeof size === "number" ? change(size) : undefined;
}

/** The axis counted from the front. Throws `invalid-graph` when there is no such axis. */
export function axisOf(axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (positive >= 0 && positive < rank) return positive;
  throw new BoltqError("invalid-graph", `there is no axis ${axis} in a tensor of rank ${rank}`, {
    remedy: "Correct the axis, or export the model again",
  });
}

/** Several axes counted from the front. */
export function axesOf(axes: readonly number[], rank: number): number[] {
  return axes.map((axis) => axisOf(axis, rank));
}

/** The shape with one dimension replaced. */
export function withDimension(shape: Shape, axis: number, size: Dimension): Dimension[] {
  return shape.map((old, index) => (index === axis ? size : old));
}

/** Far above any real tensor's rank. */
const MOST_AXES = 1024;

/** As many unknown dimensions. Throws `limit` when that is no possible rank. */
export function unknownShape(rank: number): Dimension[] {
  if (rank > MOST_AXES) throw new BoltqError("limit", `a tensor cannot have ${rank} axes`);
  return new Array<Dimension>(rank).fill(undefined);
}

/** Shape of an elementwise operation over all of them; undefined when a rank is unknown. Throws `invalid-graph` when two do not fit. */
export function broadcastShapes(shapes: readonly (Shape | undefined)[]): Dimension[] | undefined {
  let result: Dimension[] = [];
  for (const shape of shapes) {
    if (shape === undefined) return undefined;
    result = broadcastPair(result, shape);
  }
  return result;
}

function broadcastPair(one: Shape, other: Shape): Dimension[] {
  const rank = Math.max(one.length, other.length);
  return Array.from({ length: rank }, (_, axis) =>
    broadcastDimensions(dimensionFromEnd(one, rank - axis), dimensionFromEnd(other, rank - axis)),
  );
}

function dimensionFromEnd(shape: Shape, place: number): Dimension {
  return place > shape.length ? 1 : shape[shape.length - place];
}

/** What an elementwise operation makes of two dimensions. Throws `invalid-graph` when they do not fit. */
export function broadcastDimensions(one: Dimension, other: Dimension): Dimension {
  if (one === other || other === 1) return one;
  if (one === 1) return other;
  if (typeof one === "number" && typeof other === "number") {
    throw new BoltqError("invalid-graph", `dimensions ${one} and ${other} do not fit together`, {
      remedy: "Give the input shapes that the model was made for",
    });
  }
  if (typeof one === "number") return one;
  return typeof other === "number" ? other : undefined;
}

/** What two statements about one dimension tell together: a number before a name before nothing. */
export function knownOf(one: Dimension, other: Dimension): Dimension {
  if (typeof one === "number") return one;
  if (typeof other === "number") return other;
  return one ?? other;
}

/** Sizes and axes as integers; undefined as soon as one is unknown. */
export function integersIn(values: readonly Dimension[] | undefined): readonly number[] | undefined {
  return isStatic(values) ? values : undefined;
}
