import { denseValues } from "../../graph/dense-values.ts";
import { type DenseTensor, elementCount } from "../../graph/tensor.ts";
import type { WalkedLayer } from "./walked-layer.ts";

/** Places of an example at which a layer is sampled: among its outputs' positions, batch and rows included. */
export function samplePlaces(positions: number, wanted: number, seed: number): number[] {
  if (positions <= wanted) return Array.from({ length: positions }, (_, place) => place);
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x85ebca6b) >>> 0;
  return Array.from({ length: wanted }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * positions);
  });
}

/** Positions of a layer's output: every place of a picture, every row of a matrix. */
export function positionsOf({ windows }: WalkedLayer, { shape }: DenseTensor): number {
  if (windows === undefined) return elementCount(shape) / (shape.at(-1) || 1);
  return shape[0]! * shape[2]! * shape[3]!;
}

/** The outputs at these places: all channels of a place side by side. */
export function outputsAt(layer: WalkedLayer, tensor: DenseTensor, places: readonly number[]): Float32Array {
  const values = denseValues(tensor) as Float32Array;
  const width = layer.groups * layer.outputs;
  const rows = new Float32Array(places.length * width);
  const area = layer.windows === undefined ? 1 : tensor.shape[2]! * tensor.shape[3]!;
  for (const [row, place] of places.entries()) {
    const [image, offset] = [Math.floor(place / area), place % area];
    const start = image * width * area + offset;
    for (let channel = 0; channel < width; channel++) rows[row * width + channel] = values[start + channel * area]!;
  }
  return rows;
}

/** What the layer multiplies for the outputs at these places: the inputs of all groups side by side. */
export function inputsAt(
  layer: WalkedLayer,
  tensor: DenseTensor,
  outputShape: readonly number[],
  places: readonly number[],
): Float32Array {
  const values = denseValues(tensor) as Float32Array;
  const width = layer.groups * layer.inputs;
  const rows = new Float32Array(places.length * width);
  for (const [row, place] of places.entries()) {
    if (layer.windows === undefined) rows.set(values.subarray(place * width, (place + 1) * width), row * width);
    else copyWindow(values, tensor.shape, outputShape, layer, place, rows, row * width);
  }
  return rows;
}

function copyWindow(
  values: Float32Array,
  [, channels = 0, height = 0, width = 0]: readonly number[],
  [, , outputHeight = 0, outputWidth = 0]: readonly number[],
  { windows }: WalkedLayer,
  place: number,
  rows: Float32Array,
  start: number,
): void {
  const { kernel, strides, dilations } = windows!;
  const [kernelHeight, kernelWidth] = kernel as [number, number];
  const area = outputHeight * outputWidth;
  const image = Math.floor(place / area);
  const [outputY, outputX] = [Math.floor((place % area) / outputWidth), place % outputWidth];
  const top = outputY * strides[0]! - padBefore(windows!, 0, height, outputHeight);
  const left = outputX * strides[1]! - padBefore(windows!, 1, width, outputWidth);
  let at = start;
  for (let channel = 0; channel < channels; channel++) {
    const plane = (image * channels + channel) * height * width;
    for (let row = 0; row < kernelHeight; row++) {
      const y = top + row * dilations[0]!;
      for (let column = 0; column < kernelWidth; column++, at++) {
        const x = left + column * dilations[1]!;
        if (y >= 0 && y < height && x >= 0 && x < width) rows[at] = values[plane + y * width + x]!;
      }
    }
  }
}

/** Padding at the beginning of an axis, that of auto_pad worked out. */
function padBefore(
  { kernel, strides, dilations, pads, autoPad }: NonNullable<WalkedLayer["windows"]>,
  axis: 0 | 1,
  size: number,
  outputSize: number,
): number {
  if (autoPad === "VALID") return 0;
  if (!autoPad.startsWith("SAME")) return pads[axis]!;
  const extent = ((kernel[axis] as number) - 1) * dilations[axis]! + 1;
  const padding = Math.max(0, (outputSize - 1) * strides[axis]! + extent - size);
  return autoPad === "SAME_UPPER" ? Math.floor(padding / 2) : Math.ceil(padding / 2);
}
