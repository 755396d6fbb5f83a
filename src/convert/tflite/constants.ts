import { permute } from "../../graph/permute.ts";
import { elementCount, type Tensor } from "../../graph/tensor.ts";
import { madeBytes } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import { numbersOf } from "../../onnx/tensor-data.ts";
import type { TfliteTensor } from "./read.ts";

/** A constant as the file has it. */
export function storedTensor({ name, type, shape, data }: TfliteTensor): Tensor {
  if (data !== undefined) return { type, shape, data };
  throw new BoltqError("unsupported", `"${name}" is computed while the network runs, but must be a constant here`);
}

/**
 * A constant of real numbers as float32, with its axes in another order (`axes[i]` becomes axis i) and then in another
 * shape of as many elements. Quantized and float16 numbers are converted, and axes moved, when the data is read.
 */
export function floatTensor(tensor: TfliteTensor, axes?: readonly number[], shape?: readonly number[]): Tensor {
  const stored = storedTensor(tensor);
  const moved = axes ?? tensor.shape.map((_, axis) => axis);
  const result = shape ?? moved.map((axis) => tensor.shape[axis]!);
  const plain = tensor.type === "float32" && moved.every((axis, place) => axis === place);
  if (plain) return { ...stored, shape: result };
  checkQuantization(tensor);
  const length = 4 * elementCount(tensor.shape);
  const work = async () => {
    const values = realNumbers(tensor, await numbersOf(stored));
    return new Uint8Array(permuted(values, tensor.shape, moved).buffer);
  };
  return { type: "float32", shape: result, data: madeBytes(length, work) };
}

function checkQuantization({ name, type, shape, quantization: { scales, zeroPoints, axis } }: TfliteTensor): void {
  const perAxis = scales.length > 1;
  const fits = !perAxis || shape[axis] === scales.length;
  const zeros = zeroPoints.length === 0 || zeroPoints.length === scales.length || zeroPoints.length === 1;
  if (!fits || !zeros)
    throw new BoltqError("format", `"${name}" has ${scales.length} scales, which do not fit its shape`);
  if (/^u?int(4|8|16)$/.test(type) && scales.length === 0)
    throw new BoltqError("unsupported", `"${name}" has integers without a scale where real numbers are wanted`);
}

/** scale × (q − zeroPoint), where there are scales. */
function realNumbers(tensor: TfliteTensor, stored: ArrayLike<number>): Float32Array {
  const { scales, zeroPoints, axis } = tensor.quantization;
  const values = Float32Array.from(stored);
  if (scales.length === 0 || /^float/.test(tensor.type)) return values;
  const inner = elementCount(tensor.shape.slice(axis + 1));
  for (let index = 0; index < values.length; index++) {
    const channel = scales.length === 1 ? 0 : Math.floor(index / inner) % scales.length;
    values[index] = scales[channel]! * (stored[index]! - (zeroPoints[zeroPoints.length === 1 ? 0 : channel] ?? 0));
  }
  return values;
}

function permuted(values: Float32Array, shape: readonly number[], axes: readonly number[]): Float32Array {
  if (axes.every((axis, place) => axis === place)) return values;
  const result = new Float32Array(values.length);
  permute(values, shape, axes, result);
  return result;
}
