import { statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { chunksOf } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import { fileSource } from "../../io/node/file-source.ts";
import type { Signature } from "../../onnx/model.ts";
import { type ListValue, parseFields, valuesOfFields } from "../list-line.ts";
import { givesText, type OpenTokenizer, paddedFields, withIds } from "../tokens/token-fields.ts";

/** A line of a list, not kept in memory. */
export interface ListLine {
  /** The first path in it, or list and line number. */
  readonly name: string;
  /** For messages. */
  readonly place: string;
  /** What it says of each input; paths are those of files. */
  read(): Promise<Map<string, ListValue>>;
}

/** Bytes of a line. */
const MAX_LINE_BYTES = 1 << 26;

/** Suffix of files whose lines are texts. */
export const TEXT_SUFFIX = ".txt";

/**
 * Reads through a JSON-lines list, or a file of texts, one a line. Paths in a list are relative to its folder. Throws
 * `format`, `invalid-data` or `not-found` naming the line, `invalid-data` for an empty list, `usage` for texts where there
 * is no tokenizer.
 */
export async function readList(
  path: string,
  inputs: readonly Signature[],
  openTokenizer: OpenTokenizer = noTokenizer(path),
): Promise<ListLine[]> {
  const lines: ListLine[] = [];
  const isText = path.toLowerCase().endsWith(TEXT_SUFFIX);
  let tokenizer: ReturnType<OpenTokenizer> | undefined;
  const valuesOf = async (bytes: Uint8Array, place: string) => {
    const line = new TextDecoder().decode(bytes);
    const fields = isText ? new Map([["text", line.trim()]]) : parseFields(line, place);
    if (!givesText(fields, inputs)) return valuesOfFields(paddedFields(fields, inputs), inputs, place);
    tokenizer ??= openTokenizer();
    const ids = withIds(fields, inputs, await tokenizer, place);
    return valuesOfFields(paddedFields(ids, inputs), inputs, place);
  };
  let number = 0;
  for await (const { offset, bytes } of linesOf(path)) {
    number += 1;
    if (isBlank(bytes)) continue;
    const place = `${path}, line ${number}`;
    const values = await valuesOf(bytes, place);
    requireFiles(withPaths(values, path), place);
    const { length } = bytes;
    lines.push({
      name: firstPath(values) ?? `${basename(path)}:${number}`,
      place,
      read: async () => withPaths(await valuesOf(await readRange(path, offset, length), place), path),
    });
  }
  if (lines.length > 0) return lines;
  throw new BoltqError("invalid-data", "the list is empty", {
    file: path,
    remedy: 'Write an example a line, such as {"file": "image.jpg"}',
  });
}

const noTokenizer =
  (path: string): OpenTokenizer =>
  async () => {
    throw new BoltqError("usage", "this holds texts, and there is no tokenizer", {
      file: path,
      remedy: "Give the model's tokenizer.json (--tokenizer), or the ids of the tokens",
    });
  };

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 32 || (byte >= 9 && byte <= 13));
}

function withPaths(values: Map<string, ListValue>, list: string): Map<string, ListValue> {
  return new Map(
    [...values].map(([name, value]) => [name, typeof value === "string" ? resolve(dirname(list), value) : value]),
  );
}

function requireFiles(values: ReadonlyMap<string, ListValue>, place: string): void {
  for (const value of values.values()) {
    const stats = typeof value === "string" ? statSync(value, { throwIfNoEntry: false }) : undefined;
    if (typeof value !== "string" || stats?.isFile()) continue;
    throw stats === undefined
      ? new BoltqError("not-found", `there is no file ${value}`, {
          file: place,
          remedy: "Paths are relative to the list's folder",
        })
      : new BoltqError("invalid-data", `${value} is not a regular file`, {
          file: place,
          remedy: "Name pictures or arrays",
        });
  }
}

function firstPath(values: ReadonlyMap<string, ListValue>): string | undefined {
  return [...values.values()].find((value) => typeof value === "string");
}

async function readRange(path: string, offset: number, length: number): Promise<Uint8Array> {
  const source = fileSource(path);
  try {
    return await source.read(offset, length);
  } finally {
    source.close();
  }
}

/** The lines of a file with their places, without the line feeds. */
async function* linesOf(path: string): AsyncGenerator<{ offset: number; bytes: Uint8Array }> {
  const source = fileSource(path);
  try {
    let parts: Uint8Array[] = [];
    let [offset, length] = [0, 0];
    for await (const chunk of chunksOf(source)) {
      for (let start = 0; start < chunk.length; ) {
        const feed = chunk.indexOf(10, start);
        const part = chunk.slice(start, feed < 0 ? chunk.length : feed);
        parts.push(part);
        length += part.length;
        if (length > MAX_LINE_BYTES)
          throw new BoltqError("limit", `a line of the list has more than ${MAX_LINE_BYTES} bytes`, {
            file: path,
            offset,
            remedy: "Put the numbers into a .npy file, and its path into the list",
          });
        if (feed < 0) break;
        yield { offset, bytes: Buffer.concat(parts) };
        offset += length + 1;
        [parts, length, start] = [[], 0, feed + 1];
      }
    }
    if (length > 0) yield { offset, bytes: Buffer.concat(parts) };
  } finally {
    source.close();
  }
}
