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

/** Numbers of a layer at some places of an example: a row for each input or output, a column for each place. */
export interface PlacedRows {
  readonly count: number;
  readonly values: Float32Array;
}

/** The outputs at these places, those of all groups. */
export function outputsAt(layer: WalkedLayer, tensor: DenseTensor, places: readonly number[]): PlacedRows {
  const values = denseValues(tensor) as Float32Array;
  const width = layer.groups * layer.outputs;
  const area = layer.windows === undefined ? 1 : tensor.shape[2]! * tensor.shape[3]!;
  const starts = places.map((place) => Math.floor(place / area) * width * area + (place % area));
  return { count: places.length, values: gathered(values, starts, width, area) };
}

/** What codes stand for: (code − zeroPoint) · scale. */
export interface CodeGrid {
  readonly scale: number;
  readonly zeroPoint: number;
}

const REAL: CodeGrid = { scale: 1, zeroPoint: 0 };

/** What the layer multiplies for the outputs at these places: the inputs of all groups. The tensor holds codes where a grid is given. */
export function inputsAt(
  layer: WalkedLayer,
  tensor: DenseTensor,
  outputShape: readonly number[],
  places: readonly number[],
  grid: CodeGrid = REAL,
): PlacedRows {
  const values = denseValues(tensor);
  const width = layer.groups * layer.inputs;
  const starts = places.map((place) => place * width);
  const found =
    layer.windows === undefined
      ? gathered(values, starts, width, 1)
      : windowsAt(layer.windows, { values, padding: grid.zeroPoint }, tensor.shape, outputShape, places);
  if (grid !== REAL) for (let at = 0; at < found.length; at++) found[at] = (found[at]! - grid.zeroPoint) * grid.scale;
  return { count: places.length, values: found };
}

function gathered(values: ArrayLike<number>, starts: readonly number[], rows: number, step: number): Float32Array {
  const found = new Float32Array(rows * starts.length);
  for (let row = 0, at = 0; row < rows; row++) for (const start of starts) found[at++] = values[start + row * step]!;
  return found;
}

/** A row for each channel and each place of the kernel. */
function windowsAt(
  windows: NonNullable<WalkedLayer["windows"]>,
  { values, padding }: { readonly values: ArrayLike<number>; readonly padding: number },
  [, channels = 0, height = 0, width = 0]: readonly number[],
  [, , outputHeight = 0, outputWidth = 0]: readonly number[],
  places: readonly number[],
): Float32Array {
  const { kernel, strides, dilations } = windows;
  const [kernelHeight, kernelWidth] = kernel as [number, number];
  const area = outputHeight * outputWidth;
  const padTop = padBefore(windows, 0, height, outputHeight);
  const padLeft = padBefore(windows, 1, width, outputWidth);
  const images = places.map((place) => Math.floor(place / area) * channels * height * width);
  const tops = places.map((place) => Math.floor((place % area) / outputWidth) * strides[0]! - padTop);
  const lefts = places.map((place) => (place % outputWidth) * strides[1]! - padLeft);
  const count = places.length;
  const kernelArea = kernelHeight * kernelWidth;
  const found = new Float32Array(channels * kernelArea * count).fill(padding);
  for (let row = 0, position = 0; row < kernelHeight; row++) {
    for (let column = 0; column < kernelWidth; column++, position++) {
      const starts = places.map((_, sample) => {
        const [y, x] = [tops[sample]! + row * dilations[0]!, lefts[sample]! + column * dilations[1]!];
        return y < 0 || y >= height || x < 0 || x >= width ? -1 : images[sample]! + y * width + x;
      });
      for (let channel = 0; channel < channels; channel++) {
        const [from, to] = [channel * height * width, (channel * kernelArea + position) * count];
        for (let sample = 0; sample < count; sample++)
          if (starts[sample]! >= 0) found[to + sample] = values[from + starts[sample]!]!;
      }
    }
  }
  return found;
}

/** The columns of several examples side by side. */
export function sideBySide(parts: readonly PlacedRows[]): PlacedRows {
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const rows = parts.reduce((most, part) => Math.max(most, part.values.length / part.count || 0), 0);
  const values = new Float32Array(rows * count);
  let first = 0;
  for (const part of parts) {
    // By hand: most parts have few columns.
    for (let row = 0, from = 0; row < rows; row++)
      for (let at = row * count + first, end = at + part.count; at < end; at++) values[at] = part.values[from++]!;
    first += part.count;
  }
  return { count, values };
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
