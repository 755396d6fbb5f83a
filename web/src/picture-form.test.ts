import { expect, it } from "vitest";
import { PRESETS } from "../../src/data/preprocess/specification.ts";
import { DEFAULT_PICTURES, picturesOf, problemOf, wayFor, waysFor } from "./picture-form.ts";

it("gives a preset as it is, and the option that names it", () => {
  const { preprocessing, words, size } = picturesOf("ort", { ...DEFAULT_PICTURES, way: "imagenet" });
  expect(preprocessing).toEqual(PRESETS["imagenet"]);
  expect(words).toEqual(["--preprocess", "imagenet"]);
  expect(size).toBeUndefined();
});

it("puts single settings on top, and their options behind", () => {
  const form = { ...DEFAULT_PICTURES, way: "unit", channels: "BGR", mean: "104,117,123", size: " 32x16 " } as const;
  const { preprocessing, words, size } = picturesOf("webgpu", form);
  expect(preprocessing).toEqual({ ...PRESETS["unit"], channels: "BGR", mean: [104, 117, 123] });
  expect(words).toEqual(["--preprocess", "unit", "--channels", "BGR", "--mean", "104,117,123"]);
  expect(size).toEqual({ width: 32, height: 16 });
});

it("knows Bolt's own ways alone for Bolt", () => {
  const form = { ...DEFAULT_PICTURES, way: "imagenet", factor: "0.017" };
  expect(wayFor("bolt", form)).toBe("RGB");
  expect(picturesOf("bolt", form)).toMatchObject({
    preprocessing: { bolt: "RGB", scale: [0.017] },
    words: ["-f", "RGB", "-m", "0.017"],
  });
  expect(waysFor("ort", form)).toEqual(expect.arrayContaining(["imagenet", "RGB"]));
});

it.each([
  ["mean", { mean: "1,2" }],
  ["scale", { scale: "x" }],
  ["size", { size: "224" }],
  ["factor", { factor: "," }],
])("says that %s is no such number", (field, change) => {
  expect(problemOf({ ...DEFAULT_PICTURES, ...change })).toContain(field);
  expect(problemOf(DEFAULT_PICTURES)).toBeUndefined();
});
