import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { looksLikeJpeg, readJpegHeader } from "./jpeg.ts";

const path = join(fileURLToPath(import.meta.url), "../../../../test/fixtures/pictures.json");
const fixtures = JSON.parse(readFileSync(path, "utf8")) as Record<string, { file: string }>;

const segment = (marker: number, ...data: number[]) => [0xff, marker, 0, data.length + 2, ...data];
const frame = (width: number, height: number, components = 3, marker = 0xc2) =>
  segment(marker, 8, height >> 8, height & 255, width >> 8, width & 255, components);
const SCAN = [...segment(0xda, 0), 1, 0xff, 0, 2, 0xff, 0xd0, 3];
const file = (...parts: number[][]) => Uint8Array.from([0xff, 0xd8, ...parts.flat(), 0xff, 0xd9]);
const filler = (bytes: number) => new Array<number>(bytes).fill(1);

describe("the header of a JPEG file", () => {
  it("tells size, components and orientation", () => {
    const exif = [
      0x45, 0x78, 0x69, 0x66, 0, 0, 0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0,
    ];
    const bytes = file(
      segment(0xe1, ...exif),
      segment(0xc4, 1),
      frame(24, 17, 1, 0xc0),
      SCAN,
      [0xff, 0xff, 0x01],
      SCAN,
    );
    expect(looksLikeJpeg(bytes)).toBe(true);
    expect(readJpegHeader(bytes, "a.jpg")).toEqual({ width: 24, height: 17, components: 1, orientation: 6 });
    const real = new Uint8Array(Buffer.from(fixtures["jpeg-progressive"]!.file, "base64"));
    expect(readJpegHeader(real, "b.jpg")).toMatchObject({ components: 3, orientation: 1 });
  });

  for (const [wanted, bytes] of [
    ["is cut short", file(frame(24, 17), SCAN).subarray(0, -2)],
    ["is damaged", file()],
    ["is damaged", file([0, 0])],
    ["says that it has 0x17 pixels", file(frame(0, 17))],
    ["is in CMYK colours", file(frame(24, 17, 4))],
    ["has 2 colour components", file(frame(24, 17, 2))],
    ["65535x65535 pixels, more than", file(frame(65535, 65535))],
    ["says that it has 4000x4000 pixels, but is 14 bytes long", file(frame(4000, 4000))],
  ] as const) {
    it(`is refused: it ${wanted}`, () => expect(() => readJpegHeader(bytes, "a.jpg")).toThrow(wanted));
  }

  it("is refused with more scans than a picture of its size has", () => {
    const scans = (count: number) => file(frame(4000, 4000), ...new Array(count).fill([...SCAN, ...filler(400)]));
    expect(readJpegHeader(scans(67), "a.jpg").width).toBe(4000);
    expect(() => readJpegHeader(scans(68), "a.jpg")).toThrow(
      "a.jpg: the picture of 4000x4000 pixels comes in more than 67 scans. Save it as a baseline JPEG",
    );
    const small = file(frame(24, 17), ...new Array(1000).fill(SCAN));
    expect(readJpegHeader(small, "a.jpg").height).toBe(17);
  });
});
