import type { DenseTensor } from "../../graph/tensor.ts";
import type { Image } from "../image/image.ts";
import { boltPreprocess } from "./bolt-formats.ts";
import { resample } from "./resample.ts";
import type { Preprocessing } from "./specification.ts";

/** The size that a network takes. */
export interface TargetSize {
  readonly width: number;
  readonly height: number;
}

/** Makes a network's input of a picture: float32, batch of one, in the layout that the preprocessing says. */
export function preprocess(image: Image, how: Preprocessing, size: TargetSize): DenseTensor {
  if (how.bolt !== undefined) return boltPreprocess(image, how.bolt, size.height, size.width, how.scale[0] ?? 1);
  return toTensor(RESIZERS[how.resize](image, how, size), how);
}

/** Shape of what `preprocess` makes. */
export function inputShape(
  { bolt, layout, channels }: Preprocessing,
  { width, height }: TargetSize,
): [number, number, number, number] {
  if (bolt !== undefined) return [1, 3, height, width];
  const count = CHANNEL_ORDERS[channels].length;
  return layout === "NCHW" ? [1, count, height, width] : [1, height, width, count];
}

const RESIZERS: Readonly<
  Record<Preprocessing["resize"], (image: Image, how: Preprocessing, size: TargetSize) => Image>
> = {
  stretch: (image, { interpolation }, { width, height }) => resample(image, width, height, interpolation),
  crop: (image, { shortSide = 0, interpolation }, { width, height }) => {
    const short = Math.max(shortSide, width, height);
    const least = Math.min(image.width, image.height);
    // As torchvision: the long side is cut to a whole number.
    const scaled = (side: number) => Math.trunc((short * side) / least);
    const [wide, high] = [scaled(image.width), scaled(image.height)];
    const middle = { left: halfEven(wide - width), top: halfEven(high - height), width, height };
    return resample(image, wide, high, interpolation, middle);
  },
  letterbox: (image, { interpolation, pad }, { width, height }) => {
    const factor = Math.min(width / image.width, height / image.height);
    const scaled = (side: number) => Math.max(1, Math.trunc(side * factor));
    return padded(resample(image, scaled(image.width), scaled(image.height), interpolation), width, height, pad);
  },
};

/** Half of a whole number, rounded to even, as torchvision places its crop. */
function halfEven(value: number): number {
  const half = Math.floor(value / 2);
  return value % 2 === 0 ? half : half + (half % 2);
}

/** Puts the picture in the upper left corner. */
function padded(image: Image, width: number, height: number, pad: number): Image {
  const pixels = new Uint8Array(3 * width * height).fill(Math.round(pad));
  for (let y = 0; y < image.height; y++) {
    pixels.set(image.pixels.subarray(3 * y * image.width, 3 * (y + 1) * image.width), 3 * y * width);
  }
  return { width, height, pixels };
}

/** Which of red, green and blue each channel is. */
export const CHANNEL_ORDERS: Readonly<Record<Preprocessing["channels"], readonly number[]>> = {
  RGB: [0, 1, 2],
  BGR: [2, 1, 0],
  GRAY: [0],
};

function toTensor(image: Image, { channels, layout, mean, scale }: Preprocessing): DenseTensor {
  const { width, height } = image;
  const pixels = channels === "GRAY" ? withLuma(image.pixels) : image.pixels;
  const order = CHANNEL_ORDERS[channels];
  const count = width * height;
  const result = new Float32Array(order.length * count);
  order.forEach((source, channel) => {
    const [less, factor] = [mean[channel] ?? mean[0]!, scale[channel] ?? scale[0]!];
    const values = Float32Array.from({ length: 256 }, (_, value) => (value - less) * factor);
    const [start, step] = layout === "NCHW" ? [channel * count, 1] : [channel, order.length];
    for (let from = source, target = start; from < pixels.length; from += 3, target += step) {
      result[target] = values[pixels[from]!]!;
    }
  });
  const shape = layout === "NCHW" ? [1, order.length, height, width] : [1, height, width, order.length];
  return { type: "float32", shape, data: new Uint8Array(result.buffer) };
}

/** Puts the gray value (ITU-R 601, in 16 bits as Pillow has it) in the place of red. */
function withLuma(pixels: Uint8Array): Uint8Array {
  const result = new Uint8Array(pixels.length);
  for (let at = 0; at < pixels.length; at += 3) {
    result[at] = (19595 * pixels[at]! + 38470 * pixels[at + 1]! + 7471 * pixels[at + 2]! + 0x8000) >> 16;
  }
  return result;
}
