import { BoltqError } from "../../io/error.ts";
import { crc32 } from "../crc32.ts";
import { type ImageDecoder, requireContent, requireSize, type StoredImage } from "./image.ts";
import { exifOrientation } from "./orientation.ts";

/** Unpacks zlib data into at most `most` bytes; throws when it is damaged or there are more. */
export type Inflate = (packed: Uint8Array, most: number) => Promise<Uint8Array>;

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

export function looksLikePng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, index) => bytes[index] === byte);
}

/** What each colour type has: samples a pixel, and the bits that a sample may have. */
const COLOUR_TYPES: Readonly<Record<number, { samples: number; depths: readonly number[] }>> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};

const PALETTE = 3;

/** Deflate packs at most so many bytes into one. */
const MAX_DEFLATE_RATIO = 1032;

/** Bytes of one unpacked picture. */
const MAX_RAW_BYTES = 1 << 29;

interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colourType: number;
  readonly interlaced: boolean;
}

interface PngFile {
  readonly header: PngHeader;
  readonly palette: Uint8Array;
  readonly packed: Uint8Array;
  readonly orientation: number;
}

/** A part of an interlaced picture: each pixel that lies on these steps. */
interface Pass {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly down: number;
}

const WHOLE: readonly Pass[] = [{ left: 0, top: 0, right: 1, down: 1 }];

/** Adam7. */
const INTERLACED: readonly Pass[] = [
  { left: 0, top: 0, right: 8, down: 8 },
  { left: 4, top: 0, right: 8, down: 8 },
  { left: 0, top: 4, right: 4, down: 8 },
  { left: 2, top: 0, right: 4, down: 4 },
  { left: 0, top: 2, right: 2, down: 4 },
  { left: 1, top: 0, right: 2, down: 2 },
  { left: 0, top: 1, right: 1, down: 2 },
];

/**
 * A decoder of PNG files of every colour type and depth. 16 bits are cut to the upper 8; transparency is left out of
 * account, as are colour profiles; of an animation the still picture is taken.
 */
export function pngDecoder(inflate: Inflate): ImageDecoder {
  return async (bytes, file) => {
    const png = readChunks(bytes, file);
    const length = passSizes(png.header).reduce((total, { height, stride }) => total + height * (stride + 1), 0);
    requireRoom(png, length, file);
    const raw = await inflate(png.packed, length).catch((cause: unknown) => {
      throw new BoltqError("format", "the PNG file's data is damaged", { file, cause });
    });
    if (raw.length < length) throw cutShort(file);
    return { ...unpack(png, raw, file), orientation: png.orientation };
  };
}

function requireRoom({ header, packed }: PngFile, length: number, file: string): void {
  const { width, height } = header;
  if (length > MAX_RAW_BYTES) {
    throw new BoltqError("limit", `the picture takes ${length} bytes, more than ${MAX_RAW_BYTES}`, { file });
  }
  requireContent(width, height, packed.length, (MAX_DEFLATE_RATIO * width * height) / length, file);
}

function readChunks(bytes: Uint8Array, file: string): PngFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let header: PngHeader | undefined;
  let palette: Uint8Array = new Uint8Array(0);
  let orientation = 1;
  for (let at = SIGNATURE.length; ; ) {
    if (at + 12 > bytes.length) throw cutShort(file);
    const length = view.getUint32(at);
    if (at + 12 + length > bytes.length) throw cutShort(file);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const data = bytes.subarray(at + 8, at + 8 + length);
    if (type === "IEND") break;
    // What the pixels are made of has its own checksum.
    if (
      type !== "IDAT" &&
      isCritical(type) &&
      crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length)
    ) {
      throw damaged(`the checksum of its ${type} is wrong`, file);
    }
    if (type === "IHDR") header = readHeader(data, file);
    else if (type === "PLTE") palette = data.slice();
    else if (type === "IDAT") parts.push(data);
    else if (type === "eXIf") orientation = exifOrientation(data) ?? orientation;
    at += 12 + length;
  }
  if (header === undefined || parts.length === 0) throw damaged("it holds no picture", file);
  return { header, palette, packed: joined(parts), orientation };
}

function isCritical(type: string): boolean {
  return type[0]! >= "A" && type[0]! <= "Z";
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const result = new Uint8Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

function readHeader(data: Uint8Array, file: string): PngHeader {
  if (data.length < 13) throw cutShort(file);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const [width, height, depth, colourType] = [view.getUint32(0), view.getUint32(4), data[8]!, data[9]!];
  requireSize(width, height, file);
  if (!COLOUR_TYPES[colourType]?.depths.includes(depth) || data[10] !== 0 || data[11] !== 0 || data[12]! > 1) {
    throw damaged(`there are no pictures of colour type ${colourType} with ${depth} bits`, file);
  }
  return { width, height, depth, colourType, interlaced: data[12] === 1 };
}

interface PassSize {
  readonly pass: Pass;
  readonly width: number;
  readonly height: number;
  /** Bytes of a row, without the filter's. */
  readonly stride: number;
}

function passSizes({ width, height, depth, colourType, interlaced }: PngHeader): PassSize[] {
  const bits = depth * COLOUR_TYPES[colourType]!.samples;
  return (interlaced ? INTERLACED : WHOLE)
    .map((pass) => {
      const across = Math.max(0, Math.ceil((width - pass.left) / pass.right));
      const rows = Math.max(0, Math.ceil((height - pass.top) / pass.down));
      return { pass, width: across, height: rows, stride: Math.ceil((across * bits) / 8) };
    })
    .filter((size) => size.width > 0 && size.height > 0);
}

function unpack({ header, palette }: PngFile, raw: Uint8Array, file: string): Omit<StoredImage, "orientation"> {
  const { width, height, depth, colourType } = header;
  const pixelBytes = Math.max(1, (depth * COLOUR_TYPES[colourType]!.samples) / 8);
  const pixels = new Uint8Array(3 * width * height);
  const write = rowWriter(header, palette, file);
  let at = 0;
  for (const size of passSizes(header)) {
    let above: Uint8Array = new Uint8Array(size.stride);
    for (let y = 0; y < size.height; y++, at += size.stride + 1) {
      const row = raw.subarray(at + 1, at + 1 + size.stride);
      unfilter(raw[at]!, row, above, pixelBytes, file);
      above = row;
      const start = 3 * ((size.pass.top + y * size.pass.down) * width + size.pass.left);
      write(row, size.width, pixels, start, 3 * size.pass.right);
    }
  }
  return { width, height, pixels };
}

/** Adds what the row's filter took away; `above` is the row before, already restored. */
function unfilter(filter: number, row: Uint8Array, above: Uint8Array, step: number, file: string): void {
  const { length } = row;
  if (filter === 1) {
    for (let at = step; at < length; at++) row[at] = row[at]! + row[at - step]!;
  } else if (filter === 2) {
    for (let at = 0; at < length; at++) row[at] = row[at]! + above[at]!;
  } else if (filter === 3) {
    for (let at = 0; at < length; at++) {
      const left = at < step ? 0 : row[at - step]!;
      row[at] = row[at]! + ((left + above[at]!) >> 1);
    }
  } else if (filter === 4) {
    for (let at = 0; at < Math.min(step, length); at++) row[at] = row[at]! + above[at]!;
    for (let at = step; at < length; at++) row[at] = row[at]! + paeth(row[at - step]!, above[at]!, above[at - step]!);
  } else if (filter !== 0) {
    throw damaged(`there is no filter ${filter}`, file);
  }
}

/** The neighbour that is nearest to left + up - corner. */
function paeth(left: number, up: number, corner: number): number {
  const [toLeft, toUp, toCorner] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

/** Writes the `count` pixels of a row to `pixels` from `start`, `step` bytes apart. */
type RowWriter = (row: Uint8Array, count: number, pixels: Uint8Array, start: number, step: number) => void;

function rowWriter({ depth, colourType }: PngHeader, palette: Uint8Array, file: string): RowWriter {
  const { samples } = COLOUR_TYPES[colourType]!;
  const bytes = depth === 16 ? 2 : 1;
  if (samples >= 3) {
    return (row, count, pixels, start, step) => {
      for (let x = 0, from = 0, to = start; x < count; x++, from += samples * bytes, to += step) {
        pixels[to] = row[from]!;
        pixels[to + 1] = row[from + bytes]!;
        pixels[to + 2] = row[from + 2 * bytes]!;
      }
    };
  }
  const colours = colourType === PALETTE ? readPalette(palette, file) : grays(Math.min(depth, 8));
  const bits = Math.min(depth, 8);
  const mask = (1 << bits) - 1;
  return (row, count, pixels, start, step) => {
    for (let x = 0, to = start; x < count; x++, to += step) {
      const place = x * samples * bytes * bits;
      const value = (row[place >> 3]! >> (8 - bits - (place & 7))) & mask;
      pixels[to] = colours[3 * value]!;
      pixels[to + 1] = colours[3 * value + 1]!;
      pixels[to + 2] = colours[3 * value + 2]!;
    }
  };
}

/** 256 colours; those that the palette lacks are black. */
function readPalette(palette: Uint8Array, file: string): Uint8Array {
  if (palette.length === 0 || palette.length % 3 !== 0 || palette.length > 768) {
    throw damaged("its palette is missing or of a wrong size", file);
  }
  const colours = new Uint8Array(768);
  colours.set(palette);
  return colours;
}

function grays(bits: number): Uint8Array {
  return Uint8Array.from({ length: 3 << bits }, (_, index) => (Math.floor(index / 3) * 255) / ((1 << bits) - 1));
}

function damaged(problem: string, file: string): BoltqError {
  return new BoltqError("format", `the PNG file is damaged: ${problem}`, { file });
}

function cutShort(file: string): BoltqError {
  return new BoltqError("truncated", "the PNG file is cut short", { file, remedy: "Fetch it again" });
}
