import { describe, expect, it } from "vitest";
import { denseTensor } from "../../graph/dense-values.ts";
import { showInput, tile } from "./preview.ts";
import { preset } from "./specification.ts";

const raw = preset("raw");

describe("an input shown as a picture", () => {
  const values = [0, 30, 60, 90, 10, 40, 70, 100, 20, 50, 80, 255];
  const pixels = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 255];

  it("has its channels put back, of either layout and order", () => {
    expect(showInput(denseTensor("float32", [1, 3, 2, 2], values), raw)).toEqual({
      width: 2,
      height: 2,
      pixels: Uint8Array.from(pixels),
    });
    expect([...showInput(denseTensor("uint8", [2, 2, 3], pixels), { ...raw, layout: "NHWC" }).pixels]).toEqual(pixels);
    const swapped = [...values.slice(8), ...values.slice(4, 8), ...values.slice(0, 4)];
    expect([...showInput(denseTensor("float32", [3, 2, 2], swapped), { ...raw, channels: "BGR" }).pixels]).toEqual(
      pixels,
    );
  });

  it("has mean and scale undone, and is cut to 0..255", () => {
    const how = { ...raw, mean: [10, 20, 30], scale: [0.5, 2, 1] };
    expect([...showInput(denseTensor("float32", [1, 3, 1, 2], [5, -20, 4, 400, -31, 0]), how).pixels]).toEqual([
      20, 22, 0, 0, 220, 30,
    ]);
    const one = { ...raw, mean: [128], scale: [0.5] };
    expect([...showInput(denseTensor("float32", [1, 3, 1, 1], [0, 1, 2]), one).pixels]).toEqual([128, 130, 132]);
  });

  it("is gray where there is one channel", () => {
    const gray = denseTensor("float32", [1, 1, 1, 2], [7, 9]);
    expect([...showInput(gray, { ...raw, channels: "GRAY" }).pixels]).toEqual([7, 7, 7, 9, 9, 9]);
  });

  it("is refused when it is no picture", () => {
    for (const shape of [
      [1, 1, 2, 2],
      [2, 2],
      [1, 1, 3, 2, 2],
      [1, 2, 2, 3],
    ]) {
      const tensor = denseTensor("float32", shape, new Array(12).fill(0));
      expect(() => showInput(tensor, raw)).toThrow(
        `an input of ${shape.join("x")} is no picture of 3 channels. Choose --layout and --channels`,
      );
    }
  });
});

it("pictures are laid out in about a square, with black around the smaller ones", () => {
  const filled = (width: number, height: number, value: number) => ({
    width,
    height,
    pixels: new Uint8Array(3 * width * height).fill(value),
  });
  const { width, height, pixels } = tile([filled(2, 1, 1), filled(1, 2, 2), filled(1, 1, 3)]);
  expect([width, height]).toEqual([4, 4]);
  const red = [...pixels].filter((_, index) => index % 3 === 0);
  expect(red).toEqual([1, 1, 2, 0, 0, 0, 2, 0, 3, 0, 0, 0, 0, 0, 0, 0]);
  expect(tile([filled(1, 1, 5), filled(1, 1, 6)])).toMatchObject({ width: 2, height: 1 });
});
