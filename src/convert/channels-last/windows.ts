type Sizes = readonly number[];

/** TensorFlow's SAME: as many outputs as strides fit, what is odd at the end. Sizes are those of height and width. */
export function samePads(map: Sizes, kernel: Sizes, stride: Sizes, dilation: Sizes): number[] {
  const total = kernel.map((size, axis) => {
    const reach = (size - 1) * dilation[axis]! + 1;
    return Math.max(0, (Math.ceil(map[axis]! / stride[axis]!) - 1) * stride[axis]! + reach - map[axis]!);
  });
  return evenly(total);
}

/** The attributes of a ConvTranspose whose result has the sizes `wanted`, as TensorFlow pads. */
export function transposedWindow(
  map: Sizes,
  kernel: Sizes,
  stride: Sizes,
  wanted: Sizes,
  isValid: boolean,
): { pads: number[]; output_padding: number[] } {
  const whole = map.map((length, axis) => (length - 1) * stride[axis]! + kernel[axis]!);
  const total = whole.map((length, axis) => (isValid ? 0 : Math.max(0, length - wanted[axis]!)));
  const missing = whole.map((length, axis) => Math.max(0, wanted[axis]! - (length - total[axis]!)));
  return { pads: evenly(total), output_padding: missing };
}

function evenly(total: Sizes): number[] {
  const begin = total.map((pad) => Math.floor(pad / 2));
  return [...begin, ...total.map((pad, axis) => pad - begin[axis]!)];
}
