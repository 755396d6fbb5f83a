import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bytes, chunksOf, rangeOf } from "../../../io/bytes.ts";
import { BoltqError } from "../../../io/error.ts";
import { type FileSource, fileSource } from "../../../io/node/file-source.ts";
import { concatenate } from "../../../io/target.ts";
import type { Encoding } from "../../formats/encoding.ts";
import { plainWork } from "../weight-work.ts";
import { type SharedWork, shareWork } from "./shared-work.ts";

const COUNT = 3_000_001;
const SKIPPED_BYTES = 13;

let folder: string;
let path: string;
let work: SharedWork;
let source: FileSource;
let weight: Bytes;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "boltq-test-"));
  path = join(folder, "weight");
  const values = Float32Array.from({ length: COUNT }, (_, index) => Math.sin(index) * (index / COUNT));
  writeFileSync(path, concatenate([new Uint8Array(SKIPPED_BYTES), new Uint8Array(values.buffer)]));
  source = fileSource(path);
  weight = rangeOf(source, SKIPPED_BYTES, 4 * COUNT);
  work = shareWork();
  expect(await work.started).toBe(true);
});

afterAll(async () => {
  source.close();
  await work.close();
  rmSync(folder, { recursive: true });
});

async function wholeOf(bytes: Bytes): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of chunksOf(bytes)) chunks.push(chunk.slice());
  return concatenate(chunks);
}

describe("work shared with a second thread", () => {
  it("finds the largest magnitude in either half", async () => {
    expect(await work.largestMagnitude(weight)).toBe(await plainWork.largestMagnitude(weight));
    const firstHalf = rangeOf(weight, 0, 2 * COUNT + 2);
    expect(await work.largestMagnitude(firstHalf)).toBe(await plainWork.largestMagnitude(firstHalf));
  });

  const encodings: Encoding[] = [
    { kind: "int8", scale: 127, ties: "half-even", clamp: false },
    { kind: "int8", scale: 127, ties: "half-away", clamp: false },
    { kind: "int8", scale: 300, ties: "half-even", clamp: true },
    { kind: "int4", largest: 1 },
    { kind: "float16" },
  ];
  for (const encoding of encodings) {
    it(`gives the bytes that one thread gives: ${JSON.stringify(encoding)}`, async () => {
      const shared = work.encoded(weight, encoding);
      const alone = plainWork.encoded(weight, encoding);
      expect(shared.length).toBe(alone.length);
      expect(Buffer.compare(await wholeOf(shared), await wholeOf(alone))).toBe(0);
      expect(await shared.read(1, 77)).toEqual(await alone.read(1, 77));
    });
  }

  it("reports a file that became shorter as one thread does", async () => {
    const short = join(folder, "short");
    writeFileSync(short, new Uint8Array(4 * COUNT));
    const cut = fileSource(short);
    truncateSync(short, COUNT);
    await expect(work.largestMagnitude(cut)).rejects.toBeInstanceOf(BoltqError);
    await expect(wholeOf(work.encoded(cut, { kind: "float16" }))).rejects.toBeInstanceOf(BoltqError);
    cut.close();
  });
});
