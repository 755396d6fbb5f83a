import { denseValues } from "../../graph/dense-values.ts";
import type { DenseTensor } from "../../graph/tensor.ts";
import { BoltqError } from "../../io/error.ts";
import type { Image } from "../image/image.ts";
import { boltNormalization } from "./bolt-formats.ts";
import { CHANNEL_ORDERS } from "./preprocess.ts";
import type { Preprocessing } from "./specification.ts";

/** How the channels of an input came from 0..255: (value - mean) * scale, each one's place in red, green, blue. */
interface Channels {
  readonly order: readonly number[];
  readonly mean: readonly number[];
  readonly scale: readonly number[];
  readonly layout: Preprocessing["layout"];
}

/** The picture that a network sees in its input: what `preprocess` did to the values is undone, cut to 0..255. */
export function showInput({ type, shape, data }: DenseTensor, how: Preprocessing): Image {
  const { order, mean, scale, layout } = channelsOf(how);
  const sizes = shape.slice(-3);
  const [channels, height, width] = layout === "NCHW" ? sizes : [sizes[2], sizes[0], sizes[1]];
  if (channels !== order.length || height === undefined || width === undefined || shape.length > 4) {
    throw new BoltqError("usage", `an input of ${shape.join("x")} is no picture of ${order.length} channels`, {
      remedy: "Choose --layout and --channels as the examples have them, or leave --preview out",
    });
  }
  const values = denseValues({ type, shape, data });
  const pixels = new Uint8ClampedArray(3 * width * height);
  order.forEach((place, channel) => {
    const [less, factor] = [mean[channel] ?? mean[0]!, scale[channel] ?? scale[0]!];
    const [start, step] = layout === "NCHW" ? [channel * width * height, 1] : [channel, channels];
    for (let pixel = 0; pixel < width * height; pixel++) {
      const value = values[start + pixel * step]! / factor + less;
      if (order.length === 1) pixels.fill(value, 3 * pixel, 3 * pixel + 3);
      else pixels[3 * pixel + place] = value;
    }
  });
  return { width, height, pixels: new Uint8Array(pixels.buffer) };
}

function channelsOf(how: Preprocessing): Channels {
  if (how.bolt !== undefined) return { ...boltNormalization(how.bolt, how.scale[0] ?? 1), layout: "NCHW" };
  return { order: CHANNEL_ORDERS[how.channels], mean: how.mean, scale: how.scale, layout: how.layout };
}

/** Pictures side by side, row by row, in about a square; each has the room of the largest, the rest is black. */
export function tile(images: readonly Image[]): Image {
  const columns = Math.ceil(Math.sqrt(images.length));
  const [cellWidth, cellHeight] = [largest(images, "width"), largest(images, "height")];
  const width = columns * cellWidth;
  const height = Math.ceil(images.length / columns) * cellHeight;
  const pixels = new Uint8Array(3 * width * height);
  images.forEach((image, index) => {
    const left = (index % columns) * cellWidth;
    const top = Math.floor(index / columns) * cellHeight;
    for (let y = 0; y < image.height; y++) {
      const row = image.pixels.subarray(3 * y * image.width, 3 * (y + 1) * image.width);
      pixels.set(row, 3 * ((top + y) * width + left));
    }
  });
  return { width, height, pixels };
}

function largest(images: readonly Image[], side: "width" | "height"): number {
  return images.reduce((most, image) => Math.max(most, image[side]), 0);
}
