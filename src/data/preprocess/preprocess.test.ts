import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { denseValues } from "../../graph/dense-values.ts";
import type { Image } from "../image/image.ts";
import { inputShape, preprocess } from "./preprocess.ts";
import { resample } from "./resample.ts";
import { type Preprocessing, preset } from "./specification.ts";

/** What Pillow 13, OpenCV and NumPy make of the picture below; pictures of 24x24, `imagenet` every 5003rd value. */
const path = join(fileURLToPath(import.meta.url), "../../../../test/fixtures/resized.json");
const { imagenet, ...pictures } = JSON.parse(readFileSync(path, "utf8")) as Record<string, string> & {
  imagenet: number[];
};

const [WIDTH, HEIGHT] = [40, 30];
const image: Image = {
  width: WIDTH,
  height: HEIGHT,
  pixels: Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, (_, index) => {
    const [x, y] = [Math.floor(index / 3) % WIDTH, Math.floor(index / 3 / WIDTH)];
    return [19 * x + 7 * y, 27 * y + 3 * x, 5 * x * y + 40][index % 3]! & 255;
  }),
};

/** The largest difference of a preprocessed picture, in steps of 0..255, from one of the references. */
function difference(how: Partial<Preprocessing>, reference: string): number {
  const values = denseValues(
    preprocess(image, { ...preset("raw"), layout: "NHWC", ...how }, { width: 24, height: 24 }),
  );
  const wanted = Buffer.from(pictures[reference]!, "base64");
  expect(values.length).toBe(wanted.length);
  return wanted.reduce((most, value, index) => Math.max(most, Math.abs(value - values[index]!)), 0);
}

it("scales as Pillow does", () => {
  expect(difference({}, "bilinear")).toBe(0);
  expect(difference({ interpolation: "bicubic" }, "bicubic")).toBe(0);
  expect(difference({ channels: "GRAY" }, "gray")).toBe(0);
});

it("scales as OpenCV does, up to its rounding", () => {
  expect(difference({ interpolation: "linear" }, "opencv")).toBeLessThanOrEqual(1);
  const { resize, interpolation, pad } = preset("yolo");
  expect(difference({ resize, interpolation, pad }, "letterbox")).toBeLessThanOrEqual(1);
});

it("prepares for ImageNet as torchvision does", () => {
  const values = denseValues(preprocess(image, preset("imagenet"), { width: 224, height: 224 }));
  for (const [index, value] of imagenet.entries()) expect(values[5003 * index]!).toBeCloseTo(value, 5);
});

it("gives a part of a scaled picture that is equal to that part of the whole", () => {
  const whole = resample(image, 61, 50, "bicubic");
  const part = resample(image, 61, 50, "bicubic", { left: 7, top: 9, width: 20, height: 11 });
  for (let y = 0; y < 11; y++) {
    const start = 3 * ((9 + y) * 61 + 7);
    expect(part.pixels.slice(60 * y, 60 * (y + 1))).toEqual(whole.pixels.slice(start, start + 60));
  }
});

it("cuts the middle out of a picture as narrow as can be without scaling all of it", () => {
  const strip = { width: 65535, height: 1, pixels: new Uint8Array(3 * 65535).fill(9) };
  const { data } = preprocess(strip, { ...preset("raw"), resize: "crop", shortSide: 256 }, { width: 224, height: 224 });
  expect(new Set(new Float32Array(data.buffer))).toEqual(new Set([9]));
});

describe("a picture of 2x2", () => {
  const small: Image = { width: 2, height: 2, pixels: Uint8Array.of(0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 255) };
  const size = { width: 2, height: 2 };
  const made = (how: Partial<Preprocessing>, target = size) => {
    const { shape, data } = preprocess(small, { ...preset("raw"), ...how }, target);
    return { shape, values: [...new Float32Array(data.buffer)] };
  };

  it("becomes planes or interleaved channels, in either order, less the mean, times the scale", () => {
    expect(made({})).toEqual({ shape: [1, 3, 2, 2], values: [0, 30, 60, 90, 10, 40, 70, 100, 20, 50, 80, 255] });
    expect(made({ layout: "NHWC", channels: "BGR", mean: [20, 10, 0], scale: [2, 1, 0.5] })).toEqual({
      shape: [1, 2, 2, 3],
      values: [0, 0, 0, 60, 30, 15, 120, 60, 30, 470, 90, 45],
    });
    expect(made({ mean: [10], scale: [0.5] }).values.slice(0, 4)).toEqual([-5, 10, 25, 40]);
  });

  it("becomes gray by ITU-R 601", () => {
    const { shape, values } = made({ channels: "GRAY" });
    expect(shape).toEqual([1, 1, 2, 2]);
    expect(values).toEqual([8, 38, 68, 115]);
  });

  it("is put whole into the upper left corner, with the pad around", () => {
    const how = { resize: "letterbox", interpolation: "nearest", pad: 7.6 } as const;
    const wide = made(how, { width: 4, height: 2 });
    expect(wide.values.slice(0, 8)).toEqual([0, 30, 8, 8, 60, 90, 8, 8]);
    const high = made(how, { width: 2, height: 3 });
    expect(high.values.slice(0, 6)).toEqual([0, 30, 60, 90, 8, 8]);
    expect(made(how, { width: 4, height: 1 }).values.slice(0, 4)).toEqual([90, 8, 8, 8]);
  });

  it("is cut in the middle", () => {
    const how = { resize: "crop", interpolation: "nearest", shortSide: 4 } as const;
    expect(made(how).values.slice(0, 4)).toEqual([0, 30, 60, 90]);
    expect(made({ ...how, shortSide: 1 }).values.slice(0, 4)).toEqual([0, 30, 60, 90]);
    expect(made(how, { width: 4, height: 2 }).values.slice(0, 8)).toEqual([0, 0, 30, 30, 60, 60, 90, 90]);
  });

  it("says what shape it will have", () => {
    expect(inputShape(preset("raw"), { width: 4, height: 5 })).toEqual([1, 3, 5, 4]);
    expect(inputShape({ ...preset("raw"), layout: "NHWC", channels: "GRAY" }, { width: 4, height: 5 })).toEqual([
      1, 5, 4, 1,
    ]);
    const bolt = { ...preset("raw"), bolt: "BGR", layout: "NHWC", channels: "GRAY" } as const;
    expect(inputShape(bolt, { width: 4, height: 5 })).toEqual([1, 3, 5, 4]);
  });
});
