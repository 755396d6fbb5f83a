import { denseTensor, denseValues } from "../graph/dense-values.ts";
import { type DenseTensor, type ElementType, elementCount, fittedShape, shapeText } from "../graph/tensor.ts";
import { BoltqError } from "../io/error.ts";
import type { Signature } from "../onnx/model.ts";
import { MAX_PIXELS } from "./image/image.ts";
import { inputShape, type TargetSize } from "./preprocess/preprocess.ts";
import type { Preprocessing } from "./preprocess/specification.ts";

/** How many examples an array of `shape` holds for `input`: its first dimension where the model takes one at a time. */
export function exampleCount(shape: readonly number[], input: Signature): number {
  const wanted = input.type?.shape;
  const [first] = shape;
  if (wanted === undefined || first === undefined || first <= 1 || shape.length !== wanted.length) return 1;
  // A symbolic single dimension is a length, not a batch.
  return wanted[0] === 1 || (typeof wanted[0] !== "number" && wanted.length > 1) ? first : 1;
}

/**
 * The tensor as the input takes it: leading dimensions of 1 added or dropped, the element type converted. Throws
 * `mismatch` for another shape, `invalid-data` for numbers that the element type does not have; `place` is for messages.
 */
export function fitInput(tensor: DenseTensor, input: Signature, place: string): DenseTensor {
  if (input.type === undefined) return tensor;
  const shape = requireFit(tensor.shape, input, place);
  return tensor.type === input.type.type
    ? { ...tensor, shape }
    : denseTensor(input.type.type, shape, converted(tensor, input.type.type, place));
}

/** The shape as the input takes it, leading dimensions of 1 added or dropped. Throws `mismatch` for one that does not fit. */
export function requireFit(given: readonly number[], input: Signature, place: string): readonly number[] {
  const wanted = input.type?.shape;
  const shape = fittedShape(given, wanted?.length);
  const fits =
    wanted === undefined ||
    (wanted.length === shape.length && wanted.every((size, axis) => typeof size !== "number" || size === shape[axis]));
  if (fits && elementCount(shape) > 0) return shape;
  throw new BoltqError(
    "mismatch",
    `an array of ${shapeText(given)} does not fit the input "${input.name}" of ${shapeText(wanted ?? [])}`,
    { file: place, remedy: "Give arrays of the model's own input shape" },
  );
}

/** Whole numbers by element type: the least and the greatest that can be told apart here. */
const INTEGER_RANGES: Partial<Record<ElementType, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  uint64: [0, Number.MAX_SAFE_INTEGER],
};

function converted(tensor: DenseTensor, type: ElementType, place: string): ArrayLike<number> {
  const values = denseValues(tensor);
  const range = INTEGER_RANGES[type];
  if (range === undefined) return values;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (Number.isInteger(value) && value >= range[0] && value <= range[1]) continue;
    throw new BoltqError("invalid-data", `${value} is no ${type}, which the model takes`, { file: place });
  }
  return values;
}

/** A prepared picture, whose numbers are float32, as the input's element type has them: whole numbers rounded. */
export function fitPicture(tensor: DenseTensor, input: Signature, place: string): DenseTensor {
  const range = input.type === undefined ? undefined : INTEGER_RANGES[input.type.type];
  if (range === undefined) return fitInput(tensor, input, place);
  const rounded = Float32Array.from(denseValues(tensor), (value) =>
    Math.min(range[1], Math.max(range[0], Math.round(value))),
  );
  return fitInput({ ...tensor, data: new Uint8Array(rounded.buffer) }, input, place);
}

/**
 * The size of the pictures that an input takes: that given, or else by its shape and layout. Throws `usage` when the shape
 * leaves it open or no picture has that size, `mismatch` when what the preprocessing makes does not fit.
 */
export function pictureSize(input: Signature, how: Preprocessing, given?: TargetSize): TargetSize {
  const shape = input.type?.shape;
  const size = given ?? sizeByShape(input, how);
  requirePixels(size, input);
  const made = inputShape(how, size);
  const fits =
    shape === undefined ||
    (fittedShape(made, shape.length).length === shape.length &&
      fittedShape(made, shape.length).every(
        (length, axis) => typeof shape[axis] !== "number" || shape[axis] === length,
      ));
  if (fits) return size;
  throw new BoltqError(
    "mismatch",
    `pictures become ${shapeText(made)}, but the input "${input.name}" takes ${shapeText(shape)}`,
    { remedy: "Choose --size, --layout (NCHW, NHWC) and --channels (RGB, BGR, GRAY) to fit" },
  );
}

/** Throws `usage` for a size that no picture has: a damaged model may ask for any. */
function requirePixels({ width, height }: TargetSize, { name }: Signature): void {
  if (width > 0 && height > 0 && width * height <= MAX_PIXELS) return;
  throw new BoltqError("usage", `pictures of ${width}x${height} pixels cannot be made for the input "${name}"`, {
    remedy: `Give a size (--size WIDTHxHEIGHT) of 1 to ${MAX_PIXELS} pixels, or arrays (.npy) instead of pictures`,
  });
}

function sizeByShape(input: Signature, { bolt, layout }: Preprocessing): TargetSize {
  const shape = input.type?.shape ?? [];
  const [height, width] = bolt !== undefined || layout === "NCHW" ? shape.slice(-2) : shape.slice(-3, -1);
  if (shape.length >= 3 && typeof height === "number" && typeof width === "number") return { width, height };
  throw new BoltqError("usage", `the input "${input.name}" of ${shapeText(shape)} takes no pictures of a fixed size`, {
    remedy: "Give the size (--size WIDTHxHEIGHT), or arrays (.npy) instead of pictures",
  });
}
