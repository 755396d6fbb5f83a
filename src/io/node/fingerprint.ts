import { createHash } from "node:crypto";
import { basename } from "node:path";
import type { Source } from "../bytes.ts";
import { fileSource } from "./file-source.ts";

/** Of a file larger than this, as many bytes are looked at, spread over it. */
const MOST_BYTES = 1 << 26;
const PIECE_BYTES = 1 << 16;

/**
 * SHA-256, in hexadecimal, of the names, lengths and bytes of files. A large file is sampled at even distances: enough to
 * tell models apart, not to prove them equal. Throws as `fileSource` does.
 */
export async function fingerprintOf(paths: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const path of paths) {
    const source = fileSource(path);
    try {
      if (paths.length > 1) hash.update(`${basename(path)}\0${source.length}\0`);
      for await (const piece of piecesOf(source)) hash.update(piece);
    } finally {
      source.close();
    }
  }
  return hash.digest("hex");
}

async function* piecesOf(source: Source): AsyncGenerator<Uint8Array> {
  const pieces = Math.ceil(source.length / PIECE_BYTES);
  const step = Math.max(1, pieces / (MOST_BYTES / PIECE_BYTES));
  for (let piece = 0; piece < pieces; piece += step) {
    const offset = Math.floor(piece) * PIECE_BYTES;
    yield await source.read(offset, Math.min(PIECE_BYTES, source.length - offset));
  }
}
