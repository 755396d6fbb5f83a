/** A decoded picture: three bytes a pixel, red, green, blue, row by row from the top. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** Pixels in one picture: beyond this it is refused before it is decoded. */
export const MOST_PIXELS = 100_000_000;
