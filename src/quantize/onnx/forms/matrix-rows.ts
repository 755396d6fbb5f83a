import type { OnnxValue } from "../../../onnx/model.ts";
import { float32Of } from "../../../onnx/tensor-data.ts";
import { type Rows, RUN_STEP } from "./run-kernel.ts";

/** A weight of two axes and how its channels lie in it. */
export interface ChannelMatrix {
  readonly value: OnnxValue;
  /** Channels. */
  readonly rows: number;
  /** Numbers of a channel. */
  readonly columns: number;
  /** Whether the channels lie along the second axis. */
  readonly isTurned: boolean;
  /** What the numbers of each column are multiplied with; undefined: 1. */
  readonly factors: readonly number[] | undefined;
}

/** A float32 weight whose channels lie along `axis`. */
export function channelMatrix(value: OnnxValue, axis: number, factors?: readonly number[]): ChannelMatrix {
  const [rows, columns] = axis === 0 ? value.constant!.shape : value.constant!.shape.toReversed();
  return { value, rows: rows!, columns: columns!, isTurned: axis === 1, factors };
}

/** The channels as rows for the kernel, with a scale for each `run` numbers; without it for each row. */
export function channelRows(matrix: ChannelMatrix, run?: number): Rows {
  const stride = padded(matrix.columns, run ?? RUN_STEP);
  return { rows: matrix.rows, stride, run: run ?? stride, load: loader(matrix, stride) };
}

/** All channels, one behind the other, as one row with one scale. */
export function wholeRow(matrix: ChannelMatrix): Rows {
  const { rows, columns } = matrix;
  const stride = padded(rows * columns, RUN_STEP);
  const load = loader(matrix, columns);
  return { rows: 1, stride, run: stride, load: () => load(0, rows) };
}

/** All numbers, channel by channel. */
export async function channelNumbers(matrix: ChannelMatrix): Promise<Float32Array> {
  const numbers = new Float32Array(matrix.rows * matrix.columns);
  (await loader(matrix, matrix.columns)(0, matrix.rows))(numbers);
  return numbers;
}

function padded(count: number, step: number): number {
  return Math.ceil(count / step) * step;
}

const FLOAT_BYTES = 4;

/** Reads channels some at a time, into rows `stride` apart; a weight that is turned is read whole. */
function loader({ value, rows, columns, isTurned, factors }: ChannelMatrix, stride: number): Rows["load"] {
  const { data } = value.constant!;
  const scale = (target: Float32Array, count: number) => {
    for (let row = 0; factors !== undefined && row < count; row++)
      for (let column = 0; column < columns; column++) target[row * stride + column]! *= factors[column]!;
  };
  if (!isTurned) {
    const rowBytes = FLOAT_BYTES * columns;
    let room = new Uint8Array(0);
    return async (first, count) => {
      if (room.length < count * rowBytes) room = new Uint8Array(count * rowBytes);
      const bytes = await data.read(first * rowBytes, count * rowBytes, room);
      return (target) => {
        const { buffer, byteOffset, byteLength } = target;
        copyRows(new Uint8Array(buffer, byteOffset, byteLength), FLOAT_BYTES * stride, bytes, rowBytes, rowBytes);
        scale(target, count);
      };
    };
  }
  let whole: Promise<Float32Array> | undefined;
  return async (first, count) => {
    whole ??= float32Of(value.constant!);
    const numbers = await whole;
    return (target) => {
      turnInto(target, stride, numbers.subarray(first), rows, [columns, count]);
      scale(target, count);
    };
  };
}

type Numbers = Float32Array | Uint8Array | Int8Array;

/** Copies the first `columns` numbers of all rows, which lie `stride` apart, to where they lie `apart`. */
export function copyRows(target: Numbers, apart: number, source: Numbers, stride: number, columns: number): void {
  if (apart === columns && stride === columns) target.set(source);
  else
    for (let from = 0, to = 0; from < source.length; from += stride, to += apart)
      target.set(source.subarray(from, from + columns), to);
}

/** What is turned at once, so that both sides stay in the processor's cache. */
const TILE = 32;

/** Turns `rows` × `columns` numbers: row r, which begins at r × `stride`, becomes what lies at r, r + `apart`, and so on. */
export function turnInto(
  target: Numbers,
  apart: number,
  source: Numbers,
  stride: number,
  [rows, columns]: readonly [number, number],
): void {
  for (let top = 0; top < rows; top += TILE) {
    const bottom = Math.min(top + TILE, rows);
    for (let left = 0; left < columns; left += TILE) {
      const right = Math.min(left + TILE, columns);
      for (let column = left; column < right; column++)
        for (let row = top; row < bottom; row++) target[column * apart + row] = source[row * stride + column]!;
    }
  }
}
