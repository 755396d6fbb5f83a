import { BoltqError } from "../../io/error.ts";
import { type ImageDecoder, requireContent, requireSize } from "./image.ts";
import { exifOrientation } from "./orientation.ts";
import { type LoadedCodec, wasmDecoder } from "./wasm-codec.ts";

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

/** A block of 64 pixels takes at least one bit in any coding; this is twice what that allows. */
const MAX_PIXELS_PER_BYTE = 1024;

/** Pixels that all scans of a progressive picture together may go over: a scan takes a few bytes, and time for each pixel. */
const MAX_SCANNED_PIXELS = 1 << 30;

const APP1 = 0xe1;
const START_OF_SCAN = 0xda;
const END_OF_IMAGE = 0xd9;

/**
 * Reads the markers of a JPEG up to its end. Throws `format` for what is no JPEG, `truncated` when its end is missing,
 * `limit` for too large a picture, `unsupported` for CMYK.
 */
export function readJpegHeader(bytes: Uint8Array, file: string): JpegHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let orientation = 1;
  let header: JpegHeader | undefined;
  let scans = 0;
  for (let at = 2; at + 1 < bytes.length; ) {
    if (bytes[at] !== 0xff) throw damaged(file);
    const marker = bytes[at + 1]!;
    if (marker === END_OF_IMAGE) {
      if (header === undefined) throw damaged(file);
      return { ...header, orientation };
    }
    if (standsAlone(marker)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    if (at + 4 > bytes.length) break;
    const end = at + 2 + view.getUint16(at + 2);
    if (marker === APP1) orientation = exifOrientation(bytes.subarray(at + 4, end)) ?? orientation;
    if (isFrame(marker) && header === undefined && at + 10 <= bytes.length) {
      header = {
        height: view.getUint16(at + 5),
        width: view.getUint16(at + 7),
        components: bytes[at + 9]!,
        orientation,
      };
      check(header, bytes.length, file);
    }
    if (marker === START_OF_SCAN && header !== undefined) requireTime(header, ++scans, file);
    at = marker === START_OF_SCAN ? endOfScan(bytes, end) : end;
  }
  throw new BoltqError("truncated", "the JPEG file is cut short", { file, remedy: "Fetch it again" });
}

/** Markers without a length: fill bytes, TEM, RST0 to RST7, SOI. */
function standsAlone(marker: number): boolean {
  return marker === 0xff || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

/** Frame headers are C0 to CF without the tables among them. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** Where the coded data that starts at `start` stops: at a marker that is neither a stuffed byte nor a restart. */
function endOfScan(bytes: Uint8Array, start: number): number {
  for (let at = bytes.indexOf(0xff, start); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1] ?? 0;
    if (next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return at;
  }
  return bytes.length;
}

function check({ width, height, components }: JpegHeader, length: number, file: string): void {
  requireSize(width, height, file);
  requireContent(width, height, length, MAX_PIXELS_PER_BYTE, file);
  if (components === 1 || components === 3) return;
  const problem =
    components === 4 ? "the picture is in CMYK colours" : `the picture has ${components} colour components`;
  throw new BoltqError("unsupported", problem, { file, remedy: "Save it as RGB" });
}

function requireTime({ width, height }: JpegHeader, scans: number, file: string): void {
  if (width * height * scans <= MAX_SCANNED_PIXELS) return;
  throw new BoltqError("limit", `the picture of ${width}x${height} pixels comes in more than ${scans - 1} scans`, {
    file,
    remedy: "Save it as a baseline JPEG",
  });
}

function damaged(file: string): BoltqError {
  return new BoltqError("format", "the JPEG file is damaged", { file });
}

/** A decoder over @jsquash/jpeg (mozjpeg). Pictures whose coded data is damaged are refused, though libjpeg shows a part. */
export function jpegDecoder(load: () => Promise<LoadedCodec>): ImageDecoder {
  const decode = wasmDecoder(load);
  return async (bytes, file) => {
    const { orientation } = readJpegHeader(bytes, file);
    const { image, messages } = await decode(bytes).catch((cause: unknown) => {
      if (cause instanceof BoltqError) throw cause;
      throw new BoltqError("format", "the JPEG file cannot be decoded", { file, cause });
    });
    const complaint = messages.find((message) => !/extraneous bytes/.test(message));
    if (complaint !== undefined) throw new BoltqError("format", `the JPEG file is damaged (${complaint})`, { file });
    return { ...image, orientation };
  };
}
