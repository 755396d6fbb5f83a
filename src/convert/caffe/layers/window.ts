import type { LayerContext } from "../layer-context.ts";

/** Sizes of a kernel, its steps and the padding before and behind, one for each spatial axis. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
}

/** A list of one number for all axes, of one for each, or `_h` and `_w`; `absent` where nothing is stated. */
export function perAxis(
  context: LayerContext,
  parameters: string,
  [list, height, width]: readonly [list: string, height: string, width: string],
  axes: number,
  absent: number,
): readonly number[] {
  const text = context.parameters(parameters);
  const values = text.integers(list);
  if (text.has(height) || text.has(width)) {
    if (axes !== 2) context.fail("format", `${height} and ${width} are for two axes, but it has ${axes}`);
    return [text.integer(height, values[0] ?? absent), text.integer(width, values[0] ?? absent)];
  }
  if (values.length === 0) return new Array<number>(axes).fill(absent);
  if (values.length === 1) return new Array<number>(axes).fill(values[0]!);
  return values.length === axes
    ? values
    : context.fail("format", `${list} has ${values.length} numbers for ${axes} axes`);
}

export function windowOf(context: LayerContext, parameters: string, axes: number): Window {
  const window = {
    kernel: perAxis(context, parameters, ["kernel_size", "kernel_h", "kernel_w"], axes, 0),
    strides: perAxis(context, parameters, ["stride", "stride_h", "stride_w"], axes, 1),
    pads: perAxis(context, parameters, ["pad", "pad_h", "pad_w"], axes, 0),
  };
  if (window.strides.some((stride) => stride < 1)) context.fail("format", "a stride must be at least 1");
  if (window.pads.some((pad) => pad < 0)) context.fail("format", "padding must not be negative");
  return window;
}
