import { BoltqError } from "./error.ts";

/**
 * A run of bytes that may not be in memory yet: a buffer, a range of a file, or the result of a conversion made while
 * it is read. Reading the same range twice gives the same bytes.
 */
export interface Bytes {
  readonly length: number;
  /** Where the bytes lie when they are a range of an open file, as they are. */
  readonly place?: FilePlace | undefined;
  /** The same numbers in an order that costs less to read, for those to whom the order is all one. */
  readonly sameNumbers?: Bytes | undefined;
  /**
   * `length` bytes from `offset` (default: all). The result may be a view that others share: do not write to it.
   * `room` is a buffer of at least `length` bytes that the source may fill instead of a new one, so that a loop need not
   * allocate; the result is then good until `room` is used again. Rejects with a BoltqError when the range is outside or
   * the source fails.
   */
  read(offset?: number, length?: number, room?: Uint8Array): Promise<Uint8Array>;
}

/** A place in a file that this process has open: all its threads may read there. */
export interface FilePlace {
  readonly path: string;
  readonly descriptor: number;
  readonly offset: number;
}

/** What a file or a buffer looks like to a reader: named, random access. */
export interface Source extends Bytes {
  /** For messages: the path or URL as the user gave it. */
  readonly name: string;
}

/** Bytes that are already in memory; reads are views. */
export function memoryBytes(data: Uint8Array): Bytes {
  // What a Buffer of Node calls slice is a view: whoever reads shall get what the type says.
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return {
    length: bytes.byteLength,
    read: async (offset = 0, length = bytes.byteLength - offset) => {
      checkRange(bytes.byteLength, offset, length);
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** Nothing. */
export const NO_BYTES: Bytes = memoryBytes(new Uint8Array(0));

/** A source over a buffer; `name` is used in messages. */
export function memorySource(data: Uint8Array, name = "(memory)"): Source {
  return { name, ...memoryBytes(data) };
}

/** A source over a browser's Blob or File. */
export function blobSource(blob: Blob, name = "(blob)"): Source {
  return {
    name,
    length: blob.size,
    read: async (offset = 0, length = blob.size - offset) => {
      checkRange(blob.size, offset, length, name);
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
    },
  };
}

/** The part of `base` from `offset`; nothing is read until it is asked for. */
export function rangeOf(base: Bytes, offset: number, length: number): Bytes {
  checkRange(base.length, offset, length);
  const { place } = base;
  return {
    length,
    place: place && { ...place, offset: place.offset + offset },
    read: (start = 0, count = length - start, room = undefined) => {
      checkRange(length, start, count);
      return base.read(offset + start, count, room);
    },
  };
}

/** `length` bytes that are made when they are first read, and let go once they were read to the end. */
export function madeBytes(length: number, make: () => Promise<Uint8Array>): Bytes {
  let made: Promise<Uint8Array> | undefined;
  return {
    length,
    read: async (offset = 0, count = length - offset) => {
      checkRange(length, offset, count);
      made ??= make();
      const bytes = await made;
      checkRange(bytes.length, offset, count);
      if (offset + count === length) made = undefined;
      return bytes.subarray(offset, offset + count);
    },
  };
}

/** Several runs, one after the other. */
export function joinedBytes(parts: readonly Bytes[]): Bytes {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return {
    length,
    read: async (offset = 0, count = length - offset) => {
      checkRange(length, offset, count);
      const joined = new Uint8Array(count);
      let start = 0;
      for (const part of parts) {
        const [from, to] = [Math.max(offset - start, 0), Math.min(offset + count - start, part.length)];
        if (from < to) joined.set(await part.read(from, to - from), start + from - offset);
        start += part.length;
      }
      return joined;
    },
  };
}

/** How much is read, converted and written at a time: small enough for the cache, large enough to hide the calls. */
export const CHUNK_BYTES: number = 1 << 20;

/** The bytes in order, in pieces of at most `size`. A piece is good until the next one is asked for. */
export async function* chunksOf(bytes: Bytes, size: number = CHUNK_BYTES): AsyncGenerator<Uint8Array> {
  const room = new Uint8Array(Math.min(size, bytes.length));
  for (let offset = 0; offset < bytes.length; offset += size) {
    yield await bytes.read(offset, Math.min(size, bytes.length - offset), room);
  }
}

/** Throws unless `offset` and `length` are whole, not negative, and inside `total`. */
export function checkRange(total: number, offset: number, length: number, file?: string): void {
  if (
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(length) &&
    offset >= 0 &&
    length >= 0 &&
    offset + length <= total
  ) {
    return;
  }
  throw new BoltqError("truncated", `${length} bytes are needed at byte ${offset}, but there are only ${total}`, {
    file,
    remedy: "The file is cut short or damaged; fetch it again",
  });
}
