import { BoltqError } from "../../io/error.ts";

/** A decoded picture: three bytes a pixel, red, green, blue, row by row from the top. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** A picture as its file stores it. */
export interface StoredImage extends Image {
  /** How the camera was held, 1 to 8 (EXIF); 1 is upright. */
  readonly orientation: number;
}

/** Decodes a picture file of one kind; `file` is for messages. Rejects with `format`, `truncated`, `limit` or `unsupported`. */
export type ImageDecoder = (bytes: Uint8Array, file: string) => Promise<StoredImage>;

/** Pixels in one picture: beyond this it is refused before it is decoded. */
export const MAX_PIXELS = 64_000_000;

/** Length of a side: what JPEG can have. */
const MAX_SIDE = 65535;

/** Throws `format` for a picture without pixels, `limit` for one that is too large to be decoded. */
export function requireSize(width: number, height: number, file: string): void {
  if (width === 0 || height === 0) {
    throw new BoltqError("format", `the picture says that it has ${width}x${height} pixels`, { file });
  }
  if (width * height <= MAX_PIXELS && Math.max(width, height) <= MAX_SIDE) return;
  throw new BoltqError(
    "limit",
    `the picture has ${width}x${height} pixels, more than ${MAX_PIXELS} or than ${MAX_SIDE} in a row`,
    { file, remedy: "Make it smaller" },
  );
}

/** Above this size a picture that is nearly empty is refused too: it costs memory and shows a network nothing. */
const HARMLESS_PIXELS = 1 << 24;
const MAX_LARGE_PIXELS_PER_BYTE = 200;

/**
 * Throws `truncated` when so few bytes cannot hold so many pixels, or hardly can where they are very many: what a bomb or a
 * damaged header claims. `pixelsPerByte` is the most that the format can pack.
 */
export function requireContent(
  width: number,
  height: number,
  bytes: number,
  pixelsPerByte: number,
  file: string,
): void {
  const most = width * height > HARMLESS_PIXELS ? Math.min(pixelsPerByte, MAX_LARGE_PIXELS_PER_BYTE) : pixelsPerByte;
  if (width * height <= bytes * most) return;
  throw new BoltqError(
    "truncated",
    `the picture says that it has ${width}x${height} pixels, but is ${bytes} bytes long`,
    { file },
  );
}

/** The first three of every four bytes: what stands under a transparent pixel counts as if it were opaque. */
export function withoutAlpha(data: Uint8Array | Uint8ClampedArray): Uint8Array {
  const pixels = new Uint8Array((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    pixels[to] = data[from]!;
    pixels[to + 1] = data[from + 1]!;
    pixels[to + 2] = data[from + 2]!;
  }
  return pixels;
}
