import { BoltqError } from "../../io/error.ts";
import { type ImageDecoder, requireContent, requireSize } from "./image.ts";
import { exifOrientation } from "./orientation.ts";
import { type LoadedCodec, wasmDecoder } from "./wasm-codec.ts";

/** What a WebP file says of itself. */
export interface WebpHeader {
  readonly width: number;
  readonly height: number;
  readonly orientation: number;
}

export function looksLikeWebp(bytes: Uint8Array): boolean {
  return text(bytes, 0) === "RIFF" && text(bytes, 8) === "WEBP";
}

function text(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

/** Any number of equal pixels may take no room in WebP. */
const MAX_PIXELS_PER_BYTE = Number.POSITIVE_INFINITY;

const ANIMATION_FLAG = 2;

/** Sizes by chunk type, from the chunk's data (RFC 9649); undefined where the data is none of that type. */
const SIZES: Readonly<Record<string, (data: DataView) => readonly [width: number, height: number] | undefined>> = {
  "VP8 ": (data) =>
    data.byteLength >= 10 && data.getUint16(3) === 0x9d01 && data.getUint8(5) === 0x2a
      ? [data.getUint16(6, true) & 0x3fff, data.getUint16(8, true) & 0x3fff]
      : undefined,
  VP8L: (data) =>
    data.byteLength >= 5 && data.getUint8(0) === 0x2f
      ? [(data.getUint32(1, true) & 0x3fff) + 1, ((data.getUint32(1, true) >>> 14) & 0x3fff) + 1]
      : undefined,
  VP8X: (data) =>
    data.byteLength >= 10 ? [(data.getUint32(4, true) & 0xffffff) + 1, (data.getUint32(6, true) >>> 8) + 1] : undefined,
};

/** Reads the chunks of a WebP file. Throws `format`, `truncated`, `limit`, or `unsupported` for an animation. */
export function readWebpHeader(bytes: Uint8Array, file: string): WebpHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let size: readonly [number, number] | undefined;
  let orientation = 1;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [type, length] = [text(bytes, at), view.getUint32(at + 4, true)];
    if (at + 8 + length > bytes.length) throw new BoltqError("truncated", "the WebP file is cut short", { file });
    const data = new DataView(bytes.buffer, bytes.byteOffset + at + 8, length);
    if (type === "VP8X" && length > 0 && (data.getUint8(0) & ANIMATION_FLAG) !== 0) {
      throw new BoltqError("unsupported", "the picture is animated", { file, remedy: "Save one frame of it" });
    }
    if (Object.hasOwn(SIZES, type)) {
      const [width, height] = SIZES[type]!(data) ?? [0, 0];
      requireSize(width, height, file);
      requireContent(width, height, bytes.length, MAX_PIXELS_PER_BYTE, file);
      size = [width, height];
    }
    if (type === "EXIF") orientation = exifOrientation(bytes.subarray(at + 8, at + 8 + length)) ?? orientation;
    at += 8 + length + (length & 1);
  }
  if (size === undefined) throw new BoltqError("format", "the WebP file holds no picture", { file });
  return { width: size[0], height: size[1], orientation };
}

/** A decoder over @jsquash/webp (libwebp); transparency is left out of account. */
export function webpDecoder(load: () => Promise<LoadedCodec>): ImageDecoder {
  const decode = wasmDecoder(load);
  return async (bytes, file) => {
    const { orientation } = readWebpHeader(bytes, file);
    const { image } = await decode(bytes).catch((cause: unknown) => {
      if (cause instanceof BoltqError) throw cause;
      throw new BoltqError("format", "the WebP file cannot be decoded", { file, cause });
    });
    return { ...image, orientation };
  };
}
