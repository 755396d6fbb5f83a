import { type Dimension, type ElementType, stridesOf } from "../../graph/tensor.ts";
import type { OnnxNode } from "../model.ts";

/** A tensor whose elements are known, or some of them: numbers, names of dimensions, or unknown. */
export interface KnownTensor {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly values: readonly Dimension[];
}

/** Type of an output; all its dimensions are numbers. */
export interface StaticType {
  readonly type: ElementType;
  readonly shape: readonly number[];
}

/** The elements of each output; undefined when they cannot be told. Inputs left out are undefined. */
export type Evaluate = (
  inputs: readonly (KnownTensor | undefined)[],
  outputs: readonly StaticType[],
  node: OnnxNode,
) => readonly (readonly Dimension[])[] | undefined;

export type Evaluators = Readonly<Record<string, Evaluate>>;

/**
 * For each element of `shape` in row-major order the place `start + Σ index × step`, where `steps` has one entry an
 * axis.
 */
export function placesOf(shape: readonly number[], steps: readonly number[], start = 0): Int32Array {
  let places = Int32Array.of(start);
  shape.forEach((size, axis) => {
    const wider = new Int32Array(places.length * size);
    const step = steps[axis]!;
    for (let index = 0; index < wider.length; index++) {
      const outer = Math.floor(index / size);
      wider[index] = places[outer]! + (index - outer * size) * step;
    }
    places = wider;
  });
  return places;
}

/** For each element of the broadcast shape `target` the place in a tensor of `shape`. */
export function broadcastPlaces(shape: readonly number[], target: readonly number[]): Int32Array {
  const strides = stridesOf(shape);
  const missing = target.length - shape.length;
  const steps = target.map((_, axis) => {
    const own = axis - missing;
    return own < 0 || shape[own] === 1 ? 0 : strides[own]!;
  });
  return placesOf(target, steps);
}

/** The elements at `places`. */
export function pick(values: readonly Dimension[], places: Int32Array): Dimension[] {
  return Array.from(places, (place) => values[place]);
}
