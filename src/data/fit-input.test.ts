import { describe, expect, it } from "vitest";
import { denseTensor, denseValues } from "../graph/dense-values.ts";
import type { Dimension, ElementType } from "../graph/tensor.ts";
import type { Signature } from "../onnx/model.ts";
import { exampleCount, fitInput, fitPicture, pictureSize } from "./fit-input.ts";
import { preset } from "./preprocess/specification.ts";

const input = (shape: Dimension[] | undefined, type: ElementType = "float32"): Signature => ({
  name: "x",
  type: { type, shape },
});
const UNTYPED: Signature = { name: "x", type: undefined };

describe("how many examples an array holds", () => {
  for (const [shape, wanted, count] of [
    [[5, 3], [1, 3], 5],
    [[5, 3], ["batch", 3], 5],
    [[5, 3], [undefined, 3], 5],
    [[5, 3], [5, 3], 1],
    [[5, 3], [2, 3], 1],
    [[5, 3], [1, 5, 3], 1],
    [[5], ["length"], 1],
    [[5], [1], 5],
    [[1, 3], [1, 3], 1],
    [[0, 3], [1, 3], 1],
    [[], [], 1],
  ] as const) {
    it(`${shape.join("x")} for ${wanted.join("x")}: ${count}`, () => {
      expect(exampleCount(shape, input([...wanted]))).toBe(count);
    });
  }

  it("one where nothing is known of the shape", () => {
    expect(exampleCount([5, 3], input(undefined))).toBe(1);
    expect(exampleCount([5, 3], UNTYPED)).toBe(1);
  });
});

describe("an array as the input takes it", () => {
  const array = denseTensor("float32", [2], [1, 2]);

  it("has leading dimensions of 1 added or dropped", () => {
    expect(fitInput(array, input([1, 1, 2]), "p").shape).toEqual([1, 1, 2]);
    expect(fitInput({ ...array, shape: [1, 1, 2] }, input(["n"]), "p").shape).toEqual([2]);
    expect(fitInput(array, input(undefined), "p").shape).toEqual([2]);
    expect(fitInput(array, UNTYPED, "p")).toBe(array);
  });

  it("is refused when another dimension differs, or it is empty", () => {
    for (const [shape, wanted] of [
      [[2], [3]],
      [[2], [2, 2]],
      [[2, 1], [2]],
      [[0], ["n"]],
    ] as const) {
      expect(() => fitInput({ ...array, shape }, input([...wanted]), "p")).toThrow(
        `p: an array of ${shape.join("x")} does not fit the input "x" of ${wanted.join("x")}. Give arrays of the model's own`,
      );
    }
  });

  it("is converted to the element type, if that has the numbers", () => {
    const fitted = fitInput(array, input([2], "int64"), "p");
    expect(fitted.type).toBe("int64");
    expect(Array.from(denseValues(fitted))).toEqual([1, 2]);
    for (const [type, good, bad] of [
      ["int8", [-128, 127], [-129, 128, 0.5]],
      ["uint8", [0, 255], [-1, 256, Number.NaN]],
      ["int16", [-32768, 32767], [-32769, 32768]],
      ["uint16", [0, 65535], [-1, 65536]],
      ["int32", [-(2 ** 31), 2 ** 31 - 1], [-(2 ** 31) - 1, 2 ** 31]],
      ["uint32", [0, 2 ** 32 - 1], [-1, 2 ** 32]],
      ["int64", [-(2 ** 53) + 1, 2 ** 53 - 1], [2 ** 53, Number.POSITIVE_INFINITY]],
      ["uint64", [0, 2 ** 53 - 1], [-1, 2 ** 53]],
    ] as const) {
      for (const value of good) {
        const one = fitInput(denseTensor("float64", [1], [value]), input([1], type), "p");
        expect(denseValues(one)[0], `${type} ${value}`).toBe(value);
      }
      for (const value of bad) {
        expect(() => fitInput(denseTensor("float64", [1], [value]), input([1], type), "p")).toThrow(
          `p: ${value} is no ${type}, which the model takes`,
        );
      }
    }
  });
});

describe("a picture as the input takes it", () => {
  const picture = denseTensor("float32", [1, 1, 1, 4], [-3, 1.5, 2.4999, 300]);

  it("is rounded and cut for whole numbers, and left as it is for others", () => {
    expect(Array.from(denseValues(fitPicture(picture, input([1, 1, 1, 4], "uint8"), "p")))).toEqual([0, 2, 2, 255]);
    expect(Array.from(denseValues(fitPicture(picture, input([1, 1, 1, 4], "int8"), "p")))).toEqual([-3, 2, 2, 127]);
    expect(fitPicture(picture, input([1, 1, 1, 4]), "p")).toEqual(picture);
    expect(fitPicture(picture, UNTYPED, "p")).toBe(picture);
  });
});

describe("the size of the pictures", () => {
  const raw = preset("raw");

  it("is found in the shape, by the layout", () => {
    expect(pictureSize(input([1, 3, 17, 24]), raw)).toEqual({ width: 24, height: 17 });
    expect(pictureSize(input([1, 17, 24, 3]), { ...raw, layout: "NHWC" })).toEqual({ width: 24, height: 17 });
    expect(pictureSize(input([3, 17, 24]), raw)).toEqual({ width: 24, height: 17 });
    expect(pictureSize(input(["n", 3, 17, 24]), { ...raw, bolt: "BGR", layout: "NHWC" })).toEqual({
      width: 24,
      height: 17,
    });
  });

  it("may be given where the shape leaves it open", () => {
    const size = { width: 8, height: 6 };
    expect(pictureSize(input([1, 3, "h", "w"]), raw, size)).toEqual(size);
    expect(pictureSize(input([1, "c", 6, "w"]), { ...raw, channels: "GRAY" }, size)).toEqual(size);
    expect(pictureSize(UNTYPED, raw, size)).toEqual(size);
  });

  it("must be one that pictures can have", () => {
    for (const shape of [[1, 3, "h", "w"], [1, 3, 4, "w"], [1, 10], undefined]) {
      expect(() => pictureSize(input(shape), raw)).toThrow(
        /takes no pictures of a fixed size. Give the size \(--size WIDTHxHEIGHT\)/,
      );
    }
    for (const [height, width] of [
      [0, 4],
      [4, 0],
      [4, 16_000_001],
    ] as const) {
      const wanted = `pictures of ${width}x${height} pixels cannot be made for the input "x". Give a size`;
      expect(() => pictureSize(input([1, 3, height, width]), raw)).toThrow(wanted);
      expect(() => pictureSize(UNTYPED, raw, { width, height })).toThrow(wanted);
    }
    expect(pictureSize(input([1, 3, 4, 16_000_000]), raw).width).toBe(16_000_000);
  });

  it("must fit the shape", () => {
    expect(() => pictureSize(input([1, 1, 6, 8]), raw)).toThrow(
      'pictures become 1x3x6x8, but the input "x" takes 1x1x6x8. Choose --size, --layout',
    );
    expect(() => pictureSize(input([1, 3, 6, 8]), raw, { width: 6, height: 8 })).toThrow("pictures become 1x3x8x6");
    expect(() => pictureSize(input([2, 6, 8]), raw)).toThrow("but the input");
  });
});
