import { stridesOf } from "./tensor.ts";

/**
 * Writes the elements of a tensor of `shape` into `target` with the axes in another order: axis `axes[i]` becomes axis i.
 * Both are row-major.
 */
export function permute<Element>(
  source: ArrayLike<Element>,
  shape: readonly number[],
  axes: readonly number[],
  target: { [index: number]: Element },
): void {
  const strides = stridesOf(shape);
  const sizes = axes.map((axis) => shape[axis]!);
  const steps = axes.map((axis) => strides[axis]!);
  const place = sizes.map(() => 0);
  for (let to = 0, from = 0; to < source.length; to++) {
    target[to] = source[from]!;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      place[axis]! += 1;
      if (place[axis]! < sizes[axis]!) break;
      from -= steps[axis]! * sizes[axis]!;
      place[axis] = 0;
    }
  }
}
