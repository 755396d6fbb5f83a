import type { Image } from "../image/image.ts";

/** How pixels between pixels are found: `bilinear` averages over the area when it makes smaller, as PIL does. */
export type Interpolation = "bilinear" | "bicubic" | "nearest";

/** A picture of float values, three a pixel. */
export interface FloatImage {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

interface Kernel {
  readonly radius: number;
  readonly weight: (distance: number) => number;
}

const KERNELS: Readonly<Record<Exclude<Interpolation, "nearest">, Kernel>> = {
  bilinear: { radius: 1, weight: (distance) => Math.max(0, 1 - distance) },
  bicubic: {
    radius: 2,
    weight: (distance) =>
      distance < 1
        ? (1.5 * distance - 2.5) * distance * distance + 1
        : distance < 2
          ? ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
          : 0,
  },
};

/** Scales a picture to another size; pixel centres lie at half positions. */
export function resample(
  image: Image | FloatImage,
  width: number,
  height: number,
  interpolation: Interpolation,
): FloatImage {
  const source = "pixels" in image ? { ...image, values: Float32Array.from(image.pixels) } : image;
  if (source.width === width && source.height === height) return source;
  const across = alongRows(source, taps(source.width, width, interpolation));
  return alongColumns(across, taps(source.height, height, interpolation));
}

/** For each new position, where to begin and how much of each old value to take. */
interface Tap {
  readonly start: number;
  readonly weights: Float64Array;
}

function taps(size: number, newSize: number, interpolation: Interpolation): Tap[] {
  const scale = size / newSize;
  return Array.from({ length: newSize }, (_, index) => {
    const centre = (index + 0.5) * scale;
    if (interpolation === "nearest")
      return { start: Math.min(size - 1, Math.floor(centre)), weights: Float64Array.of(1) };
    const { radius, weight } = KERNELS[interpolation];
    const stretch = Math.max(1, scale);
    const start = Math.max(0, Math.floor(centre - radius * stretch + 0.5));
    const end = Math.min(size, Math.floor(centre + radius * stretch + 0.5));
    const weights = Float64Array.from({ length: end - start }, (_unused, tap) =>
      weight(Math.abs((start + tap + 0.5 - centre) / stretch)),
    );
    const sum = weights.reduce((total, value) => total + value, 0);
    return { start, weights: weights.map((value) => value / sum) };
  });
}

function alongRows({ width, height, values }: FloatImage, columns: readonly Tap[]): FloatImage {
  const result = new Float32Array(3 * columns.length * height);
  for (let y = 0, target = 0; y < height; y++) {
    for (const { start, weights } of columns) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let tap = 0, at = 3 * (y * width + start) + channel; tap < weights.length; tap++, at += 3)
          sum += values[at]! * weights[tap]!;
        result[target++] = sum;
      }
    }
  }
  return { width: columns.length, height, values: result };
}

function alongColumns({ width, values }: FloatImage, rows: readonly Tap[]): FloatImage {
  const line = 3 * width;
  const result = new Float32Array(line * rows.length);
  rows.forEach(({ start, weights }, y) => {
    for (let x = 0; x < line; x++) {
      let sum = 0;
      for (let tap = 0, at = start * line + x; tap < weights.length; tap++, at += line)
        sum += values[at]! * weights[tap]!;
      result[y * line + x] = sum;
    }
  });
  return { width, height: rows.length, values: result };
}
