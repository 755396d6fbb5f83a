import { crc32 as zlibCrc32 } from "node:zlib";
import { expect, it } from "vitest";
import { crc32 } from "./crc32.ts";

it("is the checksum that the standards give", () => {
  expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
  expect(crc32(new Uint8Array(0))).toBe(0);
  const bytes = Uint8Array.from({ length: 1000 }, (_, index) => (index * 37) & 255);
  expect(crc32(bytes)).toBe(zlibCrc32(bytes));
});
