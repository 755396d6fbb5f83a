import type { Dimension } from "../graph/tensor.ts";
import type { OnnxValue } from "./model.ts";

/** A shape with sizes that may be unknown. */
export type PartialShape = readonly (number | undefined)[];

/** Elements of a small integer tensor, as far as they are known. */
export type PartialValues = readonly (number | undefined)[];

/** What is known of the values of a graph before it runs. */
export class KnownShapes {
  readonly #shapes = new Map<OnnxValue, PartialShape>();
  readonly #values = new Map<OnnxValue, PartialValues>();

  /** The shape; undefined when not even the number of axes is known. */
  shape(value: OnnxValue | undefined): PartialShape | undefined {
    if (value === undefined) return undefined;
    return this.#shapes.get(value) ?? value.constant?.shape;
  }

  setShape(value: OnnxValue, shape: PartialShape | undefined): void {
    if (shape !== undefined) this.#shapes.set(value, shape);
  }

  /** The elements of an integer tensor of at most one axis; undefined when none is known. */
  values(value: OnnxValue | undefined): PartialValues | undefined {
    return value === undefined ? undefined : this.#values.get(value);
  }

  setValues(value: OnnxValue, values: PartialValues | undefined): void {
    if (values !== undefined) this.#values.set(value, values);
  }
}

/** Sizes that are numbers; symbolic and unknown ones are left open. */
export function sizesOf(shape: readonly Dimension[]): PartialShape {
  return shape.map((size) => (typeof size === "number" && size >= 0 ? size : undefined));
}

/** The product, if all sizes are known. */
export function productOf(sizes: PartialShape): number | undefined {
  return sizes.reduce<number | undefined>(
    (product, size) => (product === undefined || size === undefined ? undefined : product * size),
    1,
  );
}
