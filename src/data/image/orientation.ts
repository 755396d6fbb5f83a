import type { Image } from "./image.ts";

const ORIENTATION_TAG = 0x0112;

/** The orientation that an EXIF block names, with or without "Exif" in front; undefined when it names none. */
export function exifOrientation(block: Uint8Array): number | undefined {
  const start = String.fromCharCode(...block.subarray(0, 4)) === "Exif" ? 6 : 0;
  if (block.length < start + 14) return undefined;
  const view = new DataView(block.buffer, block.byteOffset + start, block.byteLength - start);
  const little = view.getUint16(0) === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > view.byteLength) return undefined;
  const count = view.getUint16(directory, little);
  for (let index = 0; index < count && directory + 14 + 12 * index <= view.byteLength; index++) {
    const entry = directory + 2 + 12 * index;
    if (view.getUint16(entry, little) === ORIENTATION_TAG) return view.getUint16(entry + 8, little);
  }
  return undefined;
}

/** The picture as it was meant to be seen. */
export function turned(image: Image, orientation: number): Image {
  const place = PLACES[orientation];
  if (place === undefined) return image;
  const { width, height, pixels } = image;
  const [newWidth, newHeight] = orientation >= 5 ? [height, width] : [width, height];
  const from = (x: number, y: number): number => {
    const [fromX, fromY] = place(x, y, width - 1, height - 1);
    return 3 * (fromY * width + fromX);
  };
  // All turns are linear: one step to the right is the same distance everywhere.
  const step = newWidth > 1 ? from(1, 0) - from(0, 0) : 0;
  const result = new Uint8Array(pixels.length);
  for (let y = 0, target = 0; y < newHeight; y++) {
    let source = from(0, y);
    for (let x = 0; x < newWidth; x++, source += step, target += 3) {
      result[target] = pixels[source]!;
      result[target + 1] = pixels[source + 1]!;
      result[target + 2] = pixels[source + 2]!;
    }
  }
  return { width: newWidth, height: newHeight, pixels: result };
}

/** Where the pixel for (x, y) comes from, by EXIF orientation; the last two are the picture's right and bottom edge. */
const PLACES: Readonly<
  Record<number, (x: number, y: number, right: number, bottom: number) => readonly [number, number]>
> = {
  2: (x, y, right) => [right - x, y],
  3: (x, y, right, bottom) => [right - x, bottom - y],
  4: (x, y, _right, bottom) => [x, bottom - y],
  5: (x, y) => [y, x],
  6: (x, y, _right, bottom) => [y, bottom - x],
  7: (x, y, right, bottom) => [right - y, bottom - x],
  8: (x, y, right) => [right - y, x],
};
