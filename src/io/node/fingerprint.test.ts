import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { fingerprintOf } from "./fingerprint.ts";

const folder = mkdtempSync(join(tmpdir(), "boltq-fingerprint-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, bytes: Uint8Array): string {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

const noise = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 31) ^ (index >> 7));

it("is the SHA-256 of a file", async () => {
  for (const length of [0, 1, 65_536, 200_001]) {
    const expected = createHash("sha256").update(noise(length)).digest("hex");
    expect(await fingerprintOf([file("a", noise(length))])).toBe(expected);
  }
});

it("tells files from each other, their order, names and borders", async () => {
  const [a, b, c] = [file("a", noise(100)), file("b", noise(50)), file("c", noise(50))];
  const prints = await Promise.all([[a], [b], [a, b], [b, a], [a, c]].map(fingerprintOf));
  expect(new Set(prints).size).toBe(5);
  const changed = file("a", noise(100).fill(1, 99));
  expect(await fingerprintOf([changed, b])).not.toBe(prints[2]);
});

it("samples a large file, its start and length always", async () => {
  const bytes = new Uint8Array(80_000_000);
  const plain = await fingerprintOf([file("large", bytes)]);
  expect(await fingerprintOf([file("large", bytes)])).toBe(plain);
  bytes[70_000] = 1;
  expect(await fingerprintOf([file("large", bytes)])).not.toBe(plain);
});
