import type { Image } from "../image/image.ts";

/**
 * How pixels between pixels are found. `bilinear` and `bicubic` average over the area when they make smaller, as
 * Pillow does (which now and then scales columns first: a byte may then differ); `linear` looks at two neighbours only, as OpenCV's INTER_LINEAR; `nearest` takes one pixel.
 */
export type Interpolation = "bilinear" | "bicubic" | "linear" | "nearest";

interface Kernel {
  /** How far it reaches, in pixels of the larger grid. */
  readonly radius: number;
  readonly weight: (distance: number) => number;
  /** Whether it grows wider when the picture is made smaller. */
  readonly averages: boolean;
}

const triangle = (distance: number): number => Math.max(0, 1 - distance);

const KERNELS: Readonly<Record<Exclude<Interpolation, "nearest">, Kernel>> = {
  bilinear: { radius: 1, weight: triangle, averages: true },
  linear: { radius: 1, weight: triangle, averages: false },
  bicubic: {
    radius: 2,
    weight: (distance) =>
      distance < 1
        ? (1.5 * distance - 2.5) * distance * distance + 1
        : distance < 2
          ? -0.5 * (((distance - 5) * distance + 8) * distance - 4)
          : 0,
    averages: true,
  },
};

/** A part of a scaled picture. */
export interface Window {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Scales a picture to `width` by `height` and gives the part in `window` (default: all), without making the rest. Pixel
 * centres lie at half positions; rows are scaled first, then columns.
 */
export function resample(
  image: Image,
  width: number,
  height: number,
  interpolation: Interpolation,
  window: Window = { left: 0, top: 0, width, height },
): Image {
  const columns = findTaps(image.width, width, interpolation, window.left, window.width);
  const rows = findTaps(image.height, height, interpolation, window.top, window.height);
  const top = rows.starts[0] ?? 0;
  const bottom = (rows.starts.at(-1) ?? 0) + rows.most;
  return alongColumns(alongRows(image, columns, top, bottom), rows, top);
}

/** Bits behind the binary point of a weight. With 8 bits of a pixel in front a sum stays inside 32 bits. */
const FRACTION_BITS = 22;
const ONE = 1 << FRACTION_BITS;
const HALF = ONE >> 1;

/** For each new position: the first old one that counts, and its `most` weights, those past the last one 0. */
interface Taps {
  readonly starts: Int32Array;
  readonly weights: Int32Array;
  readonly most: number;
}

function findTaps(size: number, newSize: number, interpolation: Interpolation, from: number, count: number): Taps {
  const scale = size / newSize;
  const found = Array.from({ length: count }, (_, index) => {
    const centre = (from + index + 0.5) * scale;
    return interpolation === "nearest"
      ? { start: Math.min(size - 1, Math.floor(centre)), shares: [1] }
      : findShares(centre, scale, size, KERNELS[interpolation]);
  });
  const most = found.reduce((longest, { shares }) => Math.max(longest, shares.length), 0);
  const starts = new Int32Array(count);
  const weights = new Int32Array(count * most);
  found.forEach(({ start, shares }, index) => {
    // Weights of 0 in front keep the last of `most` inside the picture.
    const first = Math.min(start, size - most);
    starts[index] = first;
    shares.forEach((share, tap) => {
      weights[index * most + start - first + tap] = Math.trunc(share * ONE + (share < 0 ? -0.5 : 0.5));
    });
  });
  return { starts, weights, most };
}

/** How much each old pixel around `centre` counts, the first one's index, 1 in sum. */
function findShares(centre: number, scale: number, size: number, { radius, weight, averages }: Kernel) {
  const stretch = averages ? Math.max(1, scale) : 1;
  const start = Math.max(0, Math.trunc(centre - radius * stretch + 0.5));
  const end = Math.min(size, Math.trunc(centre + radius * stretch + 0.5));
  const shares = Array.from({ length: end - start }, (_, tap) =>
    weight(Math.abs((tap + start - centre + 0.5) * (1 / stretch))),
  );
  const sum = shares.reduce((total, share) => total + share, 0);
  return { start, shares: shares.map((share) => share / sum) };
}

/** The rows from `top` to before `bottom`, scaled. */
function alongRows({ width, pixels }: Image, { starts, weights, most }: Taps, top: number, bottom: number): Image {
  const newWidth = starts.length;
  const result = new Uint8ClampedArray(3 * newWidth * (bottom - top));
  for (let y = top, target = 0; y < bottom; y++) {
    for (let x = 0; x < newWidth; x++, target += 3) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let from = 3 * (y * width + starts[x]!);
      for (let tap = x * most; tap < (x + 1) * most; tap++, from += 3) {
        const weight = weights[tap]!;
        red = (red + pixels[from]! * weight) | 0;
        green = (green + pixels[from + 1]! * weight) | 0;
        blue = (blue + pixels[from + 2]! * weight) | 0;
      }
      result[target] = red >> FRACTION_BITS;
      result[target + 1] = green >> FRACTION_BITS;
      result[target + 2] = blue >> FRACTION_BITS;
    }
  }
  return { width: newWidth, height: bottom - top, pixels: new Uint8Array(result.buffer) };
}

/** `top`: the place of the first row of `image` in the picture that the taps speak of. */
function alongColumns({ width, pixels }: Image, { starts, weights, most }: Taps, top: number): Image {
  const height = starts.length;
  const line = 3 * width;
  const result = new Uint8ClampedArray(line * height);
  const sums = new Int32Array(line);
  for (let y = 0; y < height; y++) {
    sums.fill(HALF);
    for (let tap = 0; tap < most; tap++) {
      const weight = weights[y * most + tap]!;
      const from = (starts[y]! - top + tap) * line;
      for (let x = 0; x < line; x++) sums[x] = sums[x]! + pixels[from + x]! * weight;
    }
    for (let x = 0; x < line; x++) result[y * line + x] = sums[x]! >> FRACTION_BITS;
  }
  return { width, height, pixels: new Uint8Array(result.buffer) };
}
