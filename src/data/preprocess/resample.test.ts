import { describe, expect, it } from "vitest";
import type { Image } from "../image/image.ts";
import { type Interpolation, resample } from "./resample.ts";

/** A picture whose three channels are the values. */
const gray = (width: number, ...values: number[]): Image => ({
  width,
  height: values.length / width,
  pixels: Uint8Array.from(values.flatMap((value) => [value, value, value])),
});

function scaled(image: Image, width: number, height: number, how: Interpolation): number[] {
  const result = resample(image, width, height, how);
  expect([result.width, result.height, result.pixels.length]).toEqual([width, height, 3 * width * height]);
  return [...result.pixels].filter((_, index) => index % 3 === 0);
}

describe("a row of pixels", () => {
  const row = gray(4, 0, 40, 80, 200);

  it("is averaged over the area where it becomes shorter", () => {
    // A triangle that reaches 2 to each side: shares 3, 3 and 1 of 7 inside the picture.
    expect(scaled(row, 2, 1, "bilinear")).toEqual([
      Math.round((3 * 0 + 3 * 40 + 80) / 7),
      Math.round((40 + 3 * 80 + 3 * 200) / 7),
    ]);
    expect(scaled(row, 1, 1, "bilinear")).toEqual([Math.round((5 * 0 + 7 * 40 + 7 * 80 + 5 * 200) / 24)]);
  });

  it("is interpolated between neighbours where it becomes longer", () => {
    const wanted = [0, 10, 30, 50, 70, 110, 170, 200];
    expect(scaled(row, 8, 1, "bilinear")).toEqual(wanted);
    expect(scaled(row, 8, 1, "linear")).toEqual(wanted);
  });

  it("looks at two neighbours only with linear", () => expect(scaled(row, 2, 1, "linear")).toEqual([20, 140]));

  it("takes the pixel under the centre with nearest", () => {
    expect(scaled(row, 2, 1, "nearest")).toEqual([40, 200]);
    expect(scaled(row, 8, 1, "nearest")).toEqual([0, 0, 40, 40, 80, 80, 200, 200]);
    expect(scaled(row, 3, 1, "nearest")).toEqual([0, 80, 200]);
  });

  it("may go beyond its values with bicubic, but not beyond 0..255", () => {
    const edge = gray(4, 0, 0, 255, 255);
    const values = scaled(edge, 8, 1, "bicubic");
    expect(values.slice(0, 3)).toEqual([0, 0, 0]);
    expect(values[3]! + values[4]!).toBe(255);
    expect(values.slice(5)).toEqual([255, 255, 255]);
    expect(scaled(gray(4, 50, 50, 100, 100), 8, 1, "bicubic")).toEqual([50, 49, 47, 60, 90, 103, 101, 100]);
  });

  it("stays as it is at its own size", () => {
    for (const how of ["bilinear", "bicubic", "linear", "nearest"] as const) {
      expect(scaled(row, 4, 1, how)).toEqual([0, 40, 80, 200]);
    }
  });
});

it("columns are scaled as rows are", () => {
  const column = { width: 1, height: 4, pixels: gray(4, 0, 40, 80, 200).pixels };
  expect(scaled(column, 1, 2, "bilinear")).toEqual([29, 126]);
  expect(scaled(column, 1, 8, "linear")).toEqual([0, 10, 30, 50, 70, 110, 170, 200]);
});

it("each channel is scaled alone", () => {
  const image = { width: 2, height: 1, pixels: Uint8Array.of(0, 10, 200, 100, 30, 100) };
  expect([...resample(image, 1, 1, "bilinear").pixels]).toEqual([50, 20, 150]);
});
