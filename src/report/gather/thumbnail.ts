import type { Image } from "../../data/image/image.ts";

/** Pixels of a thumbnail's longer side. */
const LONGER_SIDE = 72;

/** A picture made small: each pixel is the mean of those that it stands for. */
export function shrunk(image: Image): Image {
  const factor = Math.max(1, Math.max(image.width, image.height) / LONGER_SIDE);
  const [width, height] = [image.width, image.height].map((size) => Math.max(1, Math.round(size / factor))) as [
    number,
    number,
  ];
  const pixels = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++)
      pixels.set(meanOf(image, x / width, y / height, (x + 1) / width, (y + 1) / height), 3 * (y * width + x));
  }
  return { width, height, pixels };
}

/** The mean colour of a part, given by shares of width and height. */
function meanOf({ width, height, pixels }: Image, left: number, top: number, right: number, bottom: number): number[] {
  const [fromX, fromY] = [Math.floor(left * width), Math.floor(top * height)];
  const [toX, toY] = [Math.max(fromX + 1, Math.floor(right * width)), Math.max(fromY + 1, Math.floor(bottom * height))];
  const sums = [0, 0, 0];
  for (let y = fromY; y < toY; y++) {
    for (let x = fromX; x < toX; x++) {
      for (let channel = 0; channel < 3; channel++) sums[channel]! += pixels[3 * (y * width + x) + channel]!;
    }
  }
  return sums.map((sum) => sum / ((toX - fromX) * (toY - fromY)));
}
