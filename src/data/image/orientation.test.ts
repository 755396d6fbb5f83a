import { describe, expect, it } from "vitest";
import type { Image } from "./image.ts";
import { exifOrientation, turned } from "./orientation.ts";

/** A picture whose pixel in place n is (n, n + 100, n + 200). */
const picture = (width: number, height: number): Image => ({
  width,
  height,
  pixels: Uint8Array.from({ length: 3 * width * height }, (_, index) => Math.floor(index / 3) + 100 * (index % 3)),
});

describe("a picture is turned as its orientation says", () => {
  // 0 1 2
  // 3 4 5
  for (const [orientation, width, wanted] of [
    [1, 3, [0, 1, 2, 3, 4, 5]],
    [2, 3, [2, 1, 0, 5, 4, 3]],
    [3, 3, [5, 4, 3, 2, 1, 0]],
    [4, 3, [3, 4, 5, 0, 1, 2]],
    [5, 2, [0, 3, 1, 4, 2, 5]],
    [6, 2, [3, 0, 4, 1, 5, 2]],
    [7, 2, [5, 2, 4, 1, 3, 0]],
    [8, 2, [2, 5, 1, 4, 0, 3]],
    [9, 3, [0, 1, 2, 3, 4, 5]],
    [0, 3, [0, 1, 2, 3, 4, 5]],
  ] as const) {
    it(`${orientation}`, () => {
      const result = turned(picture(3, 2), orientation);
      expect([result.width, result.height]).toEqual([width, 6 / width]);
      expect([...result.pixels]).toEqual(wanted.flatMap((place) => [place, place + 100, place + 200]));
    });
  }

  it("also when it is one pixel wide", () => {
    expect([...turned(picture(1, 3), 3).pixels].filter((_, index) => index % 3 === 0)).toEqual([2, 1, 0]);
    expect([...turned(picture(3, 1), 6).pixels].filter((_, index) => index % 3 === 0)).toEqual([0, 1, 2]);
  });
});

describe("the orientation in an EXIF block", () => {
  const entry = (tag: number, value: number, little: boolean) => {
    const bytes = new Uint8Array(12);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, tag, little);
    view.setUint16(2, 3, little);
    view.setUint32(4, 1, little);
    view.setUint16(8, value, little);
    return [...bytes];
  };
  const block = (little: boolean, ...entries: number[][]) => {
    const head = new Uint8Array(10);
    const view = new DataView(head.buffer);
    view.setUint16(0, little ? 0x4949 : 0x4d4d);
    view.setUint16(2, 42, little);
    view.setUint32(4, 8, little);
    view.setUint16(8, entries.length, little);
    return Uint8Array.from([...head, ...entries.flat()]);
  };

  it("is read in both byte orders, with and without a heading", () => {
    for (const little of [true, false]) {
      const bytes = block(little, entry(0x010f, 9, little), entry(0x0112, 6, little));
      expect(exifOrientation(bytes)).toBe(6);
      expect(exifOrientation(Uint8Array.from([0x45, 0x78, 0x69, 0x66, 0, 0, ...bytes]))).toBe(6);
    }
  });

  it("is unknown when it is not there or the block is damaged", () => {
    expect(exifOrientation(block(true, entry(0x010f, 9, true)))).toBeUndefined();
    expect(exifOrientation(new Uint8Array(0))).toBeUndefined();
    expect(exifOrientation(block(true, entry(0x0112, 6, true)).subarray(0, 13))).toBeUndefined();
    const outside = block(true, entry(0x0112, 6, true));
    new DataView(outside.buffer).setUint32(4, 0xffffffff, true);
    expect(exifOrientation(outside)).toBeUndefined();
    const many = block(true, entry(0x010f, 6, true));
    new DataView(many.buffer).setUint16(8, 60000, true);
    expect(exifOrientation(many)).toBeUndefined();
  });
});
