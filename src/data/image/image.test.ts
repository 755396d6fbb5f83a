import { expect, it } from "vitest";
import { requireContent, requireSize, withoutAlpha } from "./image.ts";

it("a picture has between 1 and 64 million pixels, 65535 in a row at most", () => {
  for (const [width, height] of [
    [1, 1],
    [8000, 8000],
    [65535, 976],
    [976, 65535],
  ] as const) {
    expect(() => requireSize(width, height, "p")).not.toThrow();
  }
  for (const [width, height] of [
    [8001, 8000],
    [65536, 1],
    [1, 65536],
  ] as const) {
    expect(() => requireSize(width, height, "p")).toThrow(
      `p: the picture has ${width}x${height} pixels, more than 64000000 or than 65535 in a row. Make it smaller`,
    );
  }
  expect(() => requireSize(0, 5, "p")).toThrow("p: the picture says that it has 0x5 pixels");
  expect(() => requireSize(5, 0, "p")).toThrow("p: the picture says that it has 5x0 pixels");
});

it("a picture has no more pixels than its bytes can hold, and 200 a byte where they are very many", () => {
  expect(() => requireContent(1000, 10, 100, 100, "p")).not.toThrow();
  expect(() => requireContent(1001, 10, 100, 100, "p")).toThrow(
    "p: the picture says that it has 1001x10 pixels, but is 100 bytes long",
  );
  expect(() => requireContent(4096, 4096, 1, Number.POSITIVE_INFINITY, "p")).not.toThrow();
  expect(() => requireContent(4096, 4100, 4096 * 20.5, Number.POSITIVE_INFINITY, "p")).not.toThrow();
  expect(() => requireContent(4096, 4100, 4096 * 20.5 - 1, Number.POSITIVE_INFINITY, "p")).toThrow("4096x4100");
  expect(() => requireContent(4096, 4100, 4096 * 20.5, 100, "p")).toThrow("4096x4100");
});

it("every fourth byte is left out", () => {
  expect([...withoutAlpha(Uint8Array.of(1, 2, 3, 255, 4, 5, 6, 0))]).toEqual([1, 2, 3, 4, 5, 6]);
});
