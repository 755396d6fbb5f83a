import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { denseValues } from "../../runtime/dense-values.ts";
import type { Image } from "../image/image.ts";
import { preprocess } from "./preprocess.ts";
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
