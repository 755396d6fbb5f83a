import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { crc32 } from "../crc32.ts";
import { encodePng } from "./encode-png.ts";
import { inflateStream } from "./inflate.ts";
import { looksLikePng, pngDecoder } from "./png.ts";

const SIGN = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const decode = pngDecoder(inflateStream);

function chunk(type: string, data: Uint8Array | number[]): number[] {
  const body = [...type].map((character) => character.charCodeAt(0)).concat([...data]);
  const word = (value: number) => [value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255];
  return [...word(data.length), ...body, ...word(crc32(Uint8Array.from(body)))];
}

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
  readonly rows: number[];
  readonly interlaced?: number;
  readonly before?: number[][];
}

const header = ({ width, height, depth, colour, interlaced = 0 }: Picture) =>
  chunk("IHDR", [0, 0, width >> 8, width & 255, 0, 0, height >> 8, height & 255, depth, colour, 0, 0, interlaced]);

function png(picture: Picture): Uint8Array {
  const data = deflateSync(Uint8Array.from(picture.rows));
  const parts = [
    header(picture),
    ...(picture.before ?? []),
    chunk("IDAT", data.subarray(0, 5)),
    chunk("IDAT", data.subarray(5)),
  ];
  return Uint8Array.from([...SIGN, ...parts.flat(), ...chunk("IEND", [])]);
}

const pixels = async (picture: Picture) => [...(await decode(png(picture), "a.png")).pixels];
const GRAY = { width: 3, height: 1, depth: 8, colour: 0 };

describe("the filters of PNG", () => {
  const two = { width: 2, height: 2, depth: 8, colour: 2 };
  const plain = [10, 20, 30, 40, 50, 60, 70, 80, 90, 250, 5, 120];
  for (const [filter, second] of [
    [0, [70, 80, 90, 250, 5, 120]],
    [1, [70, 80, 90, 180, 181, 30]],
    [2, [60, 60, 60, 210, 211, 60]],
    [3, [65, 70, 75, 195, 196, 45]],
    [4, [60, 60, 60, 180, 181, 30]],
  ] as const) {
    it(`${filter} adds to what is ${["nothing", "left", "above", "the mean of both", "nearest"][filter]}`, async () => {
      expect(await pixels({ ...two, rows: [1, 10, 20, 30, 30, 30, 30, filter, ...second] })).toEqual(plain);
    });
  }

  it("4 takes the corner where that is nearest, and what is above where that is as near", async () => {
    const gray = { width: 2, height: 2, depth: 8, colour: 0 };
    const red = async (...rows: number[]) => (await pixels({ ...gray, rows })).filter((_, index) => index % 3 === 0);
    expect(await red(0, 50, 0, 4, 50, 7)).toEqual([50, 0, 100, 57]);
    expect(await red(0, 10, 30, 4, 0, 7)).toEqual([10, 30, 10, 37]);
    expect(await red(0, 10, 10, 4, 20, 7)).toEqual([10, 10, 30, 37]);
  });

  it("are no others", async () => {
    await expect(pixels({ ...GRAY, rows: [5, 1, 2, 3] })).rejects.toThrow(
      "a.png: the PNG file is damaged: there is no filter 5",
    );
  });
});

describe("the colours of PNG", () => {
  it("gray of 1, 2 and 4 bits is spread to 0..255", async () => {
    const gray = async (depth: number, ...row: number[]) =>
      (await pixels({ ...GRAY, depth, rows: [0, ...row] })).filter((_, index) => index % 3 === 0);
    expect(await gray(1, 0b10100000)).toEqual([255, 0, 255]);
    expect(await gray(2, 0b00011011)).toEqual([0, 85, 170]);
    expect(await gray(4, 0x4f, 0x40)).toEqual([68, 255, 68]);
  });

  it("of 16 bits are cut to the upper 8, and transparency is left out", async () => {
    expect(await pixels({ width: 1, height: 1, depth: 16, colour: 4, rows: [0, 200, 99, 1, 2] })).toEqual([
      200, 200, 200,
    ]);
    expect(await pixels({ width: 1, height: 1, depth: 16, colour: 6, rows: [0, 1, 99, 2, 99, 3, 99, 4, 99] })).toEqual([
      1, 2, 3,
    ]);
  });

  it("come from the palette; those that it lacks are black", async () => {
    const palette = { ...GRAY, colour: 3, rows: [0, 1, 0, 7], before: [chunk("PLTE", [1, 2, 3, 4, 5, 6])] };
    expect(await pixels(palette)).toEqual([4, 5, 6, 1, 2, 3, 0, 0, 0]);
    for (const before of [[], [chunk("PLTE", [1, 2])], [chunk("PLTE", new Uint8Array(771))]]) {
      await expect(pixels({ ...palette, before })).rejects.toThrow("its palette is missing or of a wrong size");
    }
  });

  it("are those that the standard has", async () => {
    for (const [colour, depth] of [
      [2, 4],
      [3, 16],
      [1, 8],
      [7, 8],
      [0, 3],
    ] as const) {
      await expect(pixels({ ...GRAY, colour, depth, rows: [0] })).rejects.toThrow(
        `there are no pictures of colour type ${colour} with ${depth} bits`,
      );
    }
  });
});

it("puts the passes of an interlaced picture in their places", async () => {
  const places = Array.from({ length: 64 }, (_, place) => place);
  const passes = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
  ] as const;
  const rows: number[] = [];
  for (const [left, top, right, down] of passes) {
    for (let y = top; y < 8; y += down) {
      rows.push(0);
      for (let x = left; x < 8; x += right) rows.push(places[8 * y + x]!);
    }
  }
  const read = await pixels({ width: 8, height: 8, depth: 8, colour: 0, rows, interlaced: 1 });
  expect(read.filter((_, index) => index % 3 === 0)).toEqual(places);
});

describe("a damaged PNG file", () => {
  const whole = { ...GRAY, rows: [0, 1, 2, 3] };

  it("is refused with a wrong checksum of what it cannot do without", async () => {
    const bytes = png(whole);
    bytes[8 + 8 + 3] = 4;
    await expect(decode(bytes, "a.png")).rejects.toThrow(
      "a.png: the PNG file is damaged: the checksum of its IHDR is wrong",
    );
  });

  it("is refused without a picture, or with one that is not all there", async () => {
    const without = Uint8Array.from([...SIGN, ...header(whole), ...chunk("IEND", [])]);
    await expect(decode(without, "a.png")).rejects.toThrow("it holds no picture");
    await expect(pixels({ ...whole, height: 2 })).rejects.toThrow("a.png: the PNG file is cut short");
    await expect(decode(png(whole).subarray(0, -5), "a.png")).rejects.toThrow("a.png: the PNG file is cut short");
    await expect(pixels({ ...whole, width: 2 })).rejects.toThrow("a.png: the PNG file's data is damaged");
    const short = Uint8Array.from([...SIGN, ...chunk("IHDR", [0, 0]), ...chunk("IEND", [])]);
    await expect(decode(short, "a.png")).rejects.toThrow("cut short");
  });

  it("is refused when it is huge", async () => {
    await expect(pixels({ ...whole, width: 60000, height: 60000 })).rejects.toThrow(
      "the picture has 60000x60000 pixels",
    );
    await expect(pixels({ ...whole, width: 2000, height: 2000 })).rejects.toThrow(
      "says that it has 2000x2000 pixels, but is",
    );
    await expect(pixels({ ...whole, width: 8000, height: 8000, depth: 16, colour: 6 })).rejects.toThrow(
      "the picture says that it has 8000x8000 pixels, but is",
    );
  });
});

it("is written as 24-bit colour, and read again", async () => {
  const image = { width: 3, height: 2, pixels: Uint8Array.from({ length: 18 }, (_, index) => 13 * index) };
  const bytes = encodePng(image, deflateSync);
  expect(looksLikePng(bytes)).toBe(true);
  expect([...bytes.subarray(0, 33)]).toEqual([...SIGN, ...header({ ...GRAY, height: 2, colour: 2, rows: [] })]);
  expect([...bytes.subarray(-12)]).toEqual(chunk("IEND", []));
  expect(await decode(bytes, "a.png")).toEqual({ ...image, orientation: 1 });
});

it("has an orientation of its own", async () => {
  const exif = chunk("eXIf", [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 5, 0, 0]);
  expect((await decode(png({ ...GRAY, rows: [0, 1, 2, 3], before: [exif] }), "a.png")).orientation).toBe(5);
});
