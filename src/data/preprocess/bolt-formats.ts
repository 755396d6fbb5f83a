import { fusedMultiplyAdd } from "../../graph/fused-multiply-add.ts";
import type { DenseTensor } from "../../graph/tensor.ts";
import { BoltqError } from "../../io/error.ts";
import type { Image } from "../image/image.ts";

/** The words of Bolt's `-f`, as its example loader understands them. */
export const BOLT_IMAGE_FORMATS = ["RGB", "BGR", "RGB_SC", "RGB_RAW", "RGB_SC_RAW", "BGR_SC_RAW"] as const;

/** How Bolt's tools prepare a picture: channels, cut, mean and scale. */
export type BoltImageFormat = (typeof BOLT_IMAGE_FORMATS)[number];

const MEAN = Float32Array.of(122.6789143406786, 116.66876761696767, 104.0069879317889);
const UNIT_MEAN = Float32Array.of(0.485, 0.456, 0.406);
const UNIT_DEVIATION = Float32Array.of(0.229, 0.224, 0.225);

/** Side of the square that the formats with crop assume. */
const CROP = 224;

/**
 * Prepares a picture as Bolt 1.3.0's loader does, bit for bit (compute/image/src/image_processing.cpp): float32 planes of
 * `height` by `width`. RGB and BGR take away the mean and multiply by `scale`; RGB_SC scales the short side to 224, crops,
 * and normalizes; the RAW ones keep 0..255, those with SC from the middle of a short side of 256.
 */
export function boltPreprocess(
  image: Image,
  format: BoltImageFormat,
  height: number,
  width: number,
  scale: number,
): DenseTensor {
  const planes = planesOf(format);
  if (format === "RGB_SC" || format.endsWith("_SC_RAW")) return cropped(image, format, height, width, planes);
  const resized = resizeBilinear(
    image,
    positions(image.height, height, 0, height),
    positions(image.width, width, 0, width),
  );
  if (format === "RGB_RAW") return tensor(resized, height, width);
  const factor = Math.fround(scale);
  const size = height * width;
  const values = new Float32Array(3 * size);
  planes.forEach((plane, index) => {
    for (let at = 0; at < size; at++) values[index * size + at] = (resized[plane * size + at]! - MEAN[plane]!) * factor;
  });
  return tensor(values, height, width);
}

/** What `boltPreprocess` does to the values 0..255 of each channel: (value - mean) * scale; `order` as red, green, blue. */
export function boltNormalization(
  format: BoltImageFormat,
  scale: number,
): { order: readonly number[]; mean: readonly number[]; scale: readonly number[] } {
  const order = planesOf(format);
  if (format.endsWith("_RAW")) return { order, mean: [0], scale: [1] };
  if (format !== "RGB_SC") return { order, mean: order.map((plane) => MEAN[plane]!), scale: [scale] };
  return {
    order,
    mean: order.map((plane) => 255 * UNIT_MEAN[plane]!),
    scale: order.map((plane) => 1 / (255 * UNIT_DEVIATION[plane]!)),
  };
}

function planesOf(format: BoltImageFormat): readonly number[] {
  return format === "BGR" || format === "BGR_SC_RAW" ? [2, 1, 0] : [0, 1, 2];
}

function cropped(
  image: Image,
  format: BoltImageFormat,
  height: number,
  width: number,
  planes: readonly number[],
): DenseTensor {
  const raw = format !== "RGB_SC";
  if (height > CROP || width > CROP) {
    throw new BoltqError(
      "unsupported",
      `the format ${format} crops ${CROP}x${CROP}, less than the network's ${height}x${width}`,
      {
        remedy: "Choose the format RGB or BGR",
      },
    );
  }
  const short = raw ? 256 : CROP;
  const factor = Math.fround(short / Math.min(image.height, image.width));
  const wide = image.height < image.width;
  const scaledHeight = wide ? short : Math.trunc(Math.fround(factor * image.height) + 0.5);
  const scaledWidth = wide ? Math.trunc(Math.fround(factor * image.width) + 0.5) : short;
  const [top, left] = [Math.trunc((scaledHeight - CROP) * 0.5), Math.trunc((scaledWidth - CROP) * 0.5)];
  const scaled = resizeBilinear(
    image,
    positions(image.height, scaledHeight, top, height),
    positions(image.width, scaledWidth, left, width),
  );
  const size = height * width;
  const values = new Float32Array(3 * size);
  planes.forEach((plane, index) => {
    for (let at = 0; at < size; at++) {
      const value = scaled[plane * size + at]!;
      values[index * size + at] = raw ? value : normalized(value, plane);
    }
  });
  return tensor(values, height, width);
}

function normalized(value: number, plane: number): number {
  return Math.fround(Math.fround(Math.fround(value / 255) - UNIT_MEAN[plane]!) / UNIT_DEVIATION[plane]!);
}

function tensor(values: Float32Array, height: number, width: number): DenseTensor {
  return { type: "float32", shape: [1, 3, height, width], data: new Uint8Array(values.buffer) };
}

/** Where new rows or columns lie among the old ones: between `low` and `high`, with the shares that these two have. */
interface Positions {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly before: Float32Array;
  readonly after: Float32Array;
}

/** Those of the new ones `from` and the following, `count` in all. */
function positions(size: number, newSize: number, from: number, count: number): Positions {
  const step = Math.fround(size / newSize);
  const places = Float32Array.from({ length: count }, (_, index) => step * (from + index));
  const low = Int32Array.from(places, Math.floor);
  return {
    low,
    high: low.map((index) => Math.min(index + 1, size - 1)),
    before: places.map((place, index) => low[index]! + 1 - place),
    after: places.map((place, index) => place - low[index]!),
  };
}

/** Bilinear, source position = index * (in / out), in float32; planes of red, green, blue. */
function resizeBilinear({ width, pixels }: Image, rows: Positions, columns: Positions): Float32Array {
  const { fround } = Math;
  const [newHeight, newWidth] = [rows.low.length, columns.low.length];
  const size = newHeight * newWidth;
  const result = new Float32Array(3 * size);
  for (let y = 0, target = 0; y < newHeight; y++) {
    const [upper, lower] = [rows.low[y]! * width, rows.high[y]! * width];
    const [above, below] = [rows.before[y]!, rows.after[y]!];
    for (let x = 0; x < newWidth; x++, target++) {
      const [left, right] = [columns.low[x]!, columns.high[x]!];
      const [before, after] = [columns.before[x]!, columns.after[x]!];
      const upperLeft = fround(above * before);
      const upperRight = fround(above * after);
      const lowerLeft = fround(below * before);
      const lowerRight = fround(below * after);
      for (let plane = 0; plane < 3; plane++) {
        // The order in which the compiled loader fuses its products and sums.
        let value = fround(pixels[3 * (upper + right) + plane]! * upperRight);
        value = fusedMultiplyAdd(pixels[3 * (upper + left) + plane]!, upperLeft, value);
        value = fusedMultiplyAdd(pixels[3 * (lower + left) + plane]!, lowerLeft, value);
        result[plane * size + target] = fusedMultiplyAdd(pixels[3 * (lower + right) + plane]!, lowerRight, value);
      }
    }
  }
  return result;
}
