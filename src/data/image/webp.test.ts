import { describe, expect, it } from "vitest";
import { looksLikeWebp, readWebpHeader } from "./webp.ts";

const ascii = (text: string) => [...text].map((character) => character.charCodeAt(0));
const chunk = (type: string, data: number[]) => {
  const size = [data.length & 255, data.length >> 8, 0, 0];
  return [...ascii(type), ...size, ...data, ...(data.length % 2 === 1 ? [0] : [])];
};
const file = (...chunks: number[][]) => {
  const body = [...ascii("WEBP"), ...chunks.flat()];
  return Uint8Array.from([...ascii("RIFF"), body.length & 255, body.length >> 8, 0, 0, ...body]);
};
const LOSSY = chunk("VP8 ", [0, 0, 0, 0x9d, 0x01, 0x2a, 24, 0x40, 17, 0x80]);
// 14 bits of width - 1, 14 of height - 1.
const LOSSLESS = chunk("VP8L", [0x2f, 23, 16 << 6, 16 >> 2, 0]);
const EXTENDED = (flags: number) => chunk("VP8X", [flags, 0, 0, 0, 23, 0, 0, 16, 0, 0]);
const EXIF = chunk("EXIF", [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 5, 0, 0]);

describe("the header of a WebP file", () => {
  for (const [kind, bytes] of Object.entries({
    lossy: file(LOSSY),
    lossless: file(LOSSLESS),
    extended: file(EXTENDED(0), chunk("ALPH", [1]), LOSSY),
  })) {
    it(`tells the size: ${kind}`, () => {
      expect(looksLikeWebp(bytes)).toBe(true);
      expect(readWebpHeader(bytes, "a.webp")).toEqual({ width: 24, height: 17, orientation: 1 });
    });
  }

  it("tells the orientation", () => {
    expect(readWebpHeader(file(EXTENDED(8), LOSSY, EXIF), "a.webp").orientation).toBe(5);
  });

  for (const [wanted, bytes] of [
    ["the WebP file is cut short", file(LOSSY).subarray(0, -1)],
    ["the WebP file holds no picture", file(chunk("XMP ", [1, 2]))],
    ["the picture says that it has 0x0 pixels", file(chunk("VP8 ", [1, 2, 3]))],
    ["the picture says that it has 0x0 pixels", file(chunk("VP8L", [0x2e, 0, 0, 0, 0]))],
    ["the picture is animated. Save one frame of it", file(EXTENDED(2), LOSSY)],
    ["the picture has 16777216x1 pixels, more than", file(chunk("VP8X", [0, 0, 0, 0, 255, 255, 255, 0, 0, 0]))],
    [
      "the picture says that it has 8000x8000 pixels, but is",
      file(chunk("VP8X", [0, 0, 0, 0, 0x3f, 0x1f, 0, 0x3f, 0x1f, 0])),
    ],
  ] as const) {
    it(`is refused: ${wanted}`, () => expect(() => readWebpHeader(bytes, "a.webp")).toThrow(`a.webp: ${wanted}`));
  }

  it("is another one's when the signs differ", () => {
    expect(looksLikeWebp(Uint8Array.from(ascii("RIFF0000WAVE")))).toBe(false);
    expect(looksLikeWebp(Uint8Array.from(ascii("RIFX0000WEBP")))).toBe(false);
  });
});
