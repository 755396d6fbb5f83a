import type { DenseTensor } from "../graph/tensor.ts";
import { BoltqError } from "../io/error.ts";
import type { Signature } from "../onnx/model.ts";
import type { TargetSize } from "./preprocess/preprocess.ts";
import type { Preprocessing } from "./preprocess/specification.ts";

/** One example: a value for each input of a network, by name. */
export interface Sample {
  /** The file it came from, without its folder. */
  readonly name: string;
  readonly inputs: ReadonlyMap<string, DenseTensor>;
}

/** Examples in a fixed order, read one by one. */
export interface Dataset {
  /** How many examples there are, if all can be read. */
  readonly length: number;
  /** Reads the examples; one that cannot be read is left out and given to `onSkip` with the reason. */
  samples(onSkip?: (name: string, reason: string) => void): AsyncIterable<Sample>;
}

/** Which part of a data set to take. */
export interface DatasetRange {
  /** Leave out that many at the start. Default 0. */
  readonly offset?: number;
  /** Take at most that many. Default all. */
  readonly limit?: number;
}

/** The part of a list that `range` names. */
export function takeRange<Item>(
  items: readonly Item[],
  { offset = 0, limit = Number.POSITIVE_INFINITY }: DatasetRange,
): Item[] {
  return items.slice(offset, offset + limit);
}

/**
 * The size of the pictures that an input takes, by its shape and layout. Throws `usage` when the shape leaves it open and
 * no size is given.
 */
export function pictureSize(input: Signature, { layout }: Preprocessing, given?: TargetSize): TargetSize {
  if (given !== undefined) return given;
  const shape = input.type?.shape ?? [];
  const [height, width] = layout === "NCHW" ? shape.slice(-2) : shape.slice(-3, -1);
  if (shape.length >= 3 && typeof height === "number" && typeof width === "number") return { width, height };
  throw new BoltqError(
    "usage",
    `the input "${input.name}" of shape [${shape.map((size) => size ?? "?").join(", ")}] takes no pictures of a fixed size`,
    {
      remedy: "Give the size (--size WIDTHxHEIGHT), or arrays (.npy) instead of pictures",
    },
  );
}

/** Throws `mismatch` when a tensor cannot be what the input takes: another rank, or another size where that is fixed. */
export function requireShape(tensor: DenseTensor, input: Signature, name: string): void {
  const wanted = input.type?.shape;
  if (wanted === undefined) return;
  const fits =
    wanted.length === tensor.shape.length &&
    wanted.every((size, axis) => typeof size !== "number" || size === tensor.shape[axis]);
  if (fits) return;
  throw new BoltqError(
    "mismatch",
    `an array of shape [${tensor.shape.join(", ")}] does not fit the input "${input.name}" of shape [${wanted.map((size) => size ?? "?").join(", ")}]`,
    {
      file: name,
      remedy: "Give arrays of the model's own input shape",
    },
  );
}
