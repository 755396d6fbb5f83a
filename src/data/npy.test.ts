import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { describeWithShared, sharedPath } from "../../test/shared.ts";
import { memorySource } from "../io/bytes.ts";
import { BoltqError } from "../io/error.ts";
import { readNpy, writeNpy } from "./npy.ts";

function npy(header: string, data: Uint8Array): Uint8Array {
  const text = `${header}\n`;
  return Uint8Array.from([
    0x93,
    ..."NUMPY".split("").map((c) => c.charCodeAt(0)),
    1,
    0,
    text.length & 255,
    text.length >> 8,
    ...Array.from(text, (c) => c.charCodeAt(0)),
    ...data,
  ]);
}

it("turns column-major and big-endian data round", async () => {
  const file = npy(
    "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }",
    Uint8Array.of(0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6),
  );
  const { type, shape, data } = await readNpy(memorySource(file));
  expect(type).toBe("int16");
  expect(shape).toEqual([2, 3]);
  expect([...new Int16Array(data.buffer)]).toEqual([1, 2, 3, 4, 5, 6]);
});

it("refuses lies and other files by name", async () => {
  const liar = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }", new Uint8Array(4));
  for (const bytes of [
    liar,
    new Uint8Array(0),
    new TextEncoder().encode("not an array at all"),
    npy("{}", new Uint8Array(0)),
  ]) {
    await expect(readNpy(memorySource(bytes, "x.npy"))).rejects.toThrow(BoltqError);
  }
});

describeWithShared("arrays that NumPy wrote", () => {
  it("are written again with the same bytes", async () => {
    const files = readdirSync(sharedPath("golden", "bolt_ops"), { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".npy"),
    );
    expect(files.length).toBeGreaterThan(100);
    for (const file of files) {
      const bytes = new Uint8Array(readFileSync(sharedPath("golden", "bolt_ops", file)));
      const tensor = await readNpy(memorySource(bytes, file));
      expect(await readNpy(memorySource(writeNpy(tensor)))).toEqual(tensor);
    }
  });
});
