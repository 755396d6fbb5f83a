import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { describeSizes } from "./size-change.ts";

const folder = mkdtempSync(join(tmpdir(), "boltq-sizes-"));
afterAll(() => rmSync(folder, { recursive: true }));

it("tells bytes before and after, of all files", () => {
  const [model, data] = [join(folder, "m"), join(folder, "d")];
  writeFileSync(model, new Uint8Array(300));
  writeFileSync(data, new Uint8Array(200));
  expect(describeSizes(2000, [model, data], "Type this")).toEqual(["2 kB -> 500 B (2000 -> 500 bytes, 4.00x smaller)"]);
  expect(describeSizes(500, [model, data], "Type this")).toEqual(["500 B -> 500 B (500 -> 500 bytes, 1.00x smaller)"]);
  expect(describeSizes(499, [model, data], "Type this")).toEqual([
    "499 B -> 500 B (499 -> 500 bytes): the file grew. Type this",
  ]);
  expect(describeSizes(1, [model], undefined)).toEqual(["1 B -> 300 B (1 -> 300 bytes): the file grew"]);
  expect(describeSizes(1, ["/dev/null"], undefined)).toEqual([]);
});
