import { BoltqError } from "../../io/error.ts";
import { type Image, MOST_PIXELS } from "./image.ts";

/** Decodes a JPEG file. */
export type JpegDecoder = (bytes: Uint8Array, file: string) => Promise<Image>;

/** What a JPEG says of itself before its data. */
export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  /** 1 gray, 3 colour, 4 CMYK. */
  readonly components: number;
  /** How the camera was held, 1 to 8 (EXIF); 1 is upright. */
  readonly orientation: number;
}

export function looksLikeJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

/** Reads the markers up to the frame header. Throws `format` for what is no JPEG, `limit` for too large a picture. */
export function readJpegHeader(bytes: Uint8Array, file: string): JpegHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let orientation = 1;
  for (let at = 2; at + 9 < bytes.length; ) {
    const marker = bytes[at + 1]!;
    if (bytes[at] !== 0xff) throw damaged(file);
    if (marker === 0xff || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    const length = view.getUint16(at + 2);
    if (marker === 0xe1) orientation = exifOrientation(bytes.subarray(at + 4, at + 2 + length)) ?? orientation;
    if (isFrame(marker))
      return checked(
        { height: view.getUint16(at + 5), width: view.getUint16(at + 7), components: bytes[at + 9]!, orientation },
        file,
      );
    at += 2 + length;
  }
  throw damaged(file);
}

/** Frame headers are C0 to CF without the tables among them. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function checked(header: JpegHeader, file: string): JpegHeader {
  if (header.width === 0 || header.height === 0) throw damaged(file);
  if (header.width * header.height > MOST_PIXELS) {
    throw new BoltqError("limit", `the picture has ${header.width}x${header.height} pixels, more than ${MOST_PIXELS}`, {
      file,
    });
  }
  if (header.components === 4) {
    throw new BoltqError("unsupported", "the picture is in CMYK colours", { file, remedy: "Save it as RGB" });
  }
  return header;
}

function damaged(file: string): BoltqError {
  return new BoltqError("format", "the JPEG file is damaged", { file });
}

/** Tag 0x0112 of the first directory of an EXIF block. */
function exifOrientation(block: Uint8Array): number | undefined {
  if (String.fromCharCode(...block.subarray(0, 4)) !== "Exif" || block.length < 20) return undefined;
  const view = new DataView(block.buffer, block.byteOffset + 6, block.byteLength - 6);
  const little = view.getUint16(0) === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > view.byteLength) return undefined;
  const count = view.getUint16(directory, little);
  for (let index = 0; index < count && directory + 14 + 12 * index <= view.byteLength; index++) {
    const entry = directory + 2 + 12 * index;
    if (view.getUint16(entry, little) === 0x0112) return view.getUint16(entry + 8, little);
  }
  return undefined;
}

/** The picture as it was meant to be seen. */
export function turned(image: Image, orientation: number): Image {
  const place = PLACES[orientation];
  if (place === undefined) return image;
  const { width, height, pixels } = image;
  const [newWidth, newHeight] = orientation >= 5 ? [height, width] : [width, height];
  const result = new Uint8Array(pixels.length);
  for (let y = 0; y < newHeight; y++) {
    for (let x = 0; x < newWidth; x++) {
      const [fromX, fromY] = place(x, y, width - 1, height - 1);
      const from = 3 * (fromY * width + fromX);
      result.set(pixels.subarray(from, from + 3), 3 * (y * newWidth + x));
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

/** The part of @jsquash/jpeg that is used. */
interface JpegModule {
  readonly init: (module: WebAssembly.Module) => Promise<unknown>;
  readonly default: (bytes: ArrayBuffer) => Promise<{ width: number; height: number; data: Uint8ClampedArray }>;
}

/**
 * A decoder over @jsquash/jpeg (mozjpeg in WebAssembly). `load` gives the package's module and its compiled code. After a
 * failed picture the instance is of no more use, so a new one is made.
 */
export function jpegDecoder(load: () => Promise<{ module: JpegModule; code: WebAssembly.Module }>): JpegDecoder {
  let loaded: ReturnType<typeof load> | undefined;
  let ready: Promise<unknown> | undefined;
  return async (bytes, file) => {
    readJpegHeader(bytes, file);
    loaded ??= load();
    const { module, code } = await loaded;
    ready ??= module.init(code);
    await ready;
    try {
      const { width, height, data } = await quietly(() => module.default(bytes.slice().buffer as ArrayBuffer));
      return { width, height, pixels: withoutAlpha(data) };
    } catch (cause) {
      ready = undefined;
      throw new BoltqError("format", "the JPEG file cannot be decoded", { file, cause });
    }
  };
}

/** libjpeg prints what it thinks of a file. */
async function quietly<Result>(action: () => Promise<Result>): Promise<Result> {
  const { error } = console;
  console.error = () => {};
  try {
    return await action();
  } finally {
    console.error = error;
  }
}

function withoutAlpha(data: Uint8ClampedArray): Uint8Array {
  const pixels = new Uint8Array((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    pixels[to++] = data[from]!;
    pixels[to++] = data[from + 1]!;
    pixels[to++] = data[from + 2]!;
  }
  return pixels;
}
