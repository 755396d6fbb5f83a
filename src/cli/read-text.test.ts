import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readText } from "./read-text.ts";

it("reads a text, refuses what does not end, names what cannot be read", () => {
  const folder = mkdtempSync(join(tmpdir(), "boltq-test-"));
  try {
    writeFileSync(join(folder, "a.json"), "ä".repeat(2 ** 20 + 1));
    expect(readText(join(folder, "a.json"))).toBe("ä".repeat(2 ** 20 + 1));
    expect(() => readText("/dev/zero")).toThrow(/\/dev\/zero.*more than \d+ bytes/);
    expect(() => readText(folder)).toThrow(/cannot be read/);
    expect(() => readText(join(folder, "none"))).toThrow(/cannot be read/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
