import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { BoltqError } from "../io/error.ts";

/** More than any text that an option can name; statistics of large models take some MB, a tokenizer some more. */
const MOST_BYTES = 2 ** 28;

/**
 * A text file that an option names, or what comes through a pipe. Throws BoltqError `not-found` when it cannot be read,
 * `limit` when it does not end: /dev/zero, or a model where a text should be.
 */
export function readText(file: string): string {
  let handle: number | undefined;
  try {
    handle = openSync(file, "r");
    return Buffer.concat(readParts(handle, file)).toString("utf8");
  } catch (cause) {
    if (cause instanceof BoltqError) throw cause;
    throw new BoltqError("not-found", `the file cannot be read (${(cause as Error).message})`, {
      file,
      cause,
      remedy: "Check the path",
    });
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

function readParts(handle: number, file: string): Uint8Array[] {
  if (fstatSync(handle).size > MOST_BYTES) throw tooLarge(file);
  const parts: Uint8Array[] = [];
  for (let total = 0; ; ) {
    const part = new Uint8Array(2 ** 20);
    const count = readSync(handle, part);
    if (count === 0) return parts;
    total += count;
    if (total > MOST_BYTES) throw tooLarge(file);
    parts.push(part.subarray(0, count));
  }
}

function tooLarge(file: string): BoltqError {
  return new BoltqError("limit", `it holds more than ${MOST_BYTES} bytes, which no text of this kind does`, {
    file,
    remedy: "Name a text file",
  });
}
