import { deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type Bytes, memoryBytes } from "../io/bytes.ts";
import { inflatedSource } from "./inflated-source.ts";

const LENGTH = 200_000;
const plain = Uint8Array.from({ length: LENGTH }, (_, index) => (index * index) >> 7);
const packed = new Uint8Array(deflateRawSync(plain));

/** Counts how often the packed bytes are read from the start. */
function counted(bytes: Uint8Array): Bytes & { starts: number } {
  const inner = memoryBytes(bytes);
  const result = {
    length: inner.length,
    starts: 0,
    read: async (offset = 0, length = inner.length - offset) => {
      if (offset === 0) result.starts += 1;
      return inner.read(offset, length);
    },
  };
  return result;
}

describe("packed bytes", () => {
  it("are unpacked once when they are read onwards", async () => {
    const bytes = counted(packed);
    const source = inflatedSource(bytes, LENGTH, "x");
    expect([source.name, source.length]).toEqual(["x", LENGTH]);
    for (const [offset, length] of [
      [0, 10],
      [10, 70_000],
      [90_000, 1],
      [199_999, 1],
    ] as const) {
      expect(Buffer.compare(await source.read(offset, length), plain.subarray(offset, offset + length))).toBe(0);
    }
    expect(bytes.starts).toBe(1);
    await source.close();
  });

  it("are unpacked again when they are read backwards, or after closing", async () => {
    const bytes = counted(packed);
    const source = inflatedSource(bytes, LENGTH, "x");
    expect(Buffer.compare(await source.read(), plain)).toBe(0);
    expect(Buffer.compare(await source.read(5, 3), plain.subarray(5, 8))).toBe(0);
    expect(bytes.starts).toBe(2);
    await source.close();
    expect(Buffer.compare(await source.read(100, 2), plain.subarray(100, 102))).toBe(0);
    expect(bytes.starts).toBe(3);
    await source.close();
  });

  it("that end too early or are damaged are named", async () => {
    const short = inflatedSource(memoryBytes(packed), LENGTH + 1, "a.npz:x.npy");
    await expect(short.read()).rejects.toThrow("a.npz:x.npy: the packed data ends too early");
    const damaged = inflatedSource(memoryBytes(new Uint8Array(100).fill(0xff)), LENGTH, "a.npz:x.npy");
    await expect(damaged.read()).rejects.toThrow("a.npz:x.npy: the packed data is damaged");
    await expect(short.read(LENGTH, 2)).rejects.toThrow("2 bytes are needed at byte 200000, but there are only 200001");
  });
});
