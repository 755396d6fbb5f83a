import type { DenseTensor } from "../../graph/tensor.ts";
import type { Image } from "../image/image.ts";
import { boltPreprocess } from "./bolt-formats.ts";
import { type FloatImage, resample } from "./resample.ts";
import type { Preprocessing } from "./specification.ts";

/** The size that a network takes. */
export interface TargetSize {
  readonly width: number;
  readonly height: number;
}

/** Makes a network's input of a picture: float32, batch of one, in the layout that the preprocessing says. */
export function preprocess(image: Image, how: Preprocessing, size: TargetSize): DenseTensor {
  if (how.bolt !== undefined) return boltPreprocess(image, how.bolt, size.height, size.width, how.scale[0] ?? 1);
  return toTensor(resized(image, how, size), how);
}

function resized(image: Image, how: Preprocessing, { width, height }: TargetSize): FloatImage {
  if (how.resize === "stretch") return resample(image, width, height, how.interpolation);
  if (how.resize === "crop") {
    const factor = Math.max(how.shortSide ?? 0, width, height) / Math.min(image.width, image.height);
    const scaled = resample(
      image,
      Math.round(image.width * factor),
      Math.round(image.height * factor),
      how.interpolation,
    );
    return middle(scaled, width, height);
  }
  const factor = Math.min(width / image.width, height / image.height);
  const scaled = resample(
    image,
    Math.max(1, Math.trunc(image.width * factor)),
    Math.max(1, Math.trunc(image.height * factor)),
    how.interpolation,
  );
  return padded(scaled, width, height, how.pad);
}

function middle(image: FloatImage, width: number, height: number): FloatImage {
  const [left, top] = [Math.round((image.width - width) / 2), Math.round((image.height - height) / 2)];
  const values = new Float32Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const start = 3 * ((top + y) * image.width + left);
    values.set(image.values.subarray(start, start + 3 * width), 3 * y * width);
  }
  return { width, height, values };
}

/** Puts the picture in the upper left corner. */
function padded(image: FloatImage, width: number, height: number, pad: number): FloatImage {
  const values = new Float32Array(3 * width * height).fill(pad);
  for (let y = 0; y < image.height; y++) {
    values.set(image.values.subarray(3 * y * image.width, 3 * (y + 1) * image.width), 3 * y * width);
  }
  return { width, height, values };
}

const CHANNEL_ORDERS: Readonly<Record<Preprocessing["channels"], readonly number[]>> = {
  RGB: [0, 1, 2],
  BGR: [2, 1, 0],
  GRAY: [0],
};

/** Shares of red, green and blue in a gray value (ITU-R 601). */
const LUMA = [0.299, 0.587, 0.114];

function toTensor(
  { width, height, values }: FloatImage,
  { channels, layout, mean, scale }: Preprocessing,
): DenseTensor {
  const order = CHANNEL_ORDERS[channels];
  const count = width * height;
  const result = new Float32Array(order.length * count);
  order.forEach((source, channel) => {
    const [less, factor] = [mean[channel] ?? mean[0]!, scale[channel] ?? scale[0]!];
    for (let pixel = 0; pixel < count; pixel++) {
      const value = channels === "GRAY" ? luma(values, 3 * pixel) : values[3 * pixel + source]!;
      result[layout === "NCHW" ? channel * count + pixel : pixel * order.length + channel] = (value - less) * factor;
    }
  });
  const shape = layout === "NCHW" ? [1, order.length, height, width] : [1, height, width, order.length];
  return { type: "float32", shape, data: new Uint8Array(result.buffer) };
}

function luma(values: Float32Array, at: number): number {
  return LUMA[0]! * values[at]! + LUMA[1]! * values[at + 1]! + LUMA[2]! * values[at + 2]!;
}
