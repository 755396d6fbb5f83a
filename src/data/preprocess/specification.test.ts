import { expect, it } from "vitest";
import { PRESETS, parsePreprocessing, preset } from "./specification.ts";

it("fills in the fields of a preset, and those of raw without one", () => {
  const caffe = parsePreprocessing('{"preset": "caffe", "scale": [0.5], "shortSide": 40}', "p.json");
  expect(caffe).toEqual({ ...PRESETS["caffe"], scale: [0.5], shortSide: 40 });
  expect(parsePreprocessing('{"bolt": "BGR"}', "p.json")).toEqual({ ...PRESETS["raw"], bolt: "BGR" });
});

it("subtracts from and multiplies 0..255 in its presets", () => {
  expect(preset("mobilenet")).toMatchObject({ mean: [127.5], scale: [1 / 127.5], channels: "RGB" });
  expect(preset("imagenet").mean[0]).toBeCloseTo(123.675, 10);
  expect(preset("imagenet").scale[2]).toBeCloseTo(1 / 57.375, 12);
});

for (const [json, wanted] of [
  ["[1]", "a preprocessing must be an object, not a list"],
  ['{"preset": "image-net"}', /there is no preprocessing "image-net". Choose one of imagenet, /],
  ['{"preset": "toString"}', 'there is no preprocessing "toString"'],
  ['{"preset": []}', '"preset" must be a text, not a list'],
  ['{"meen": [1]}', /there is no field "meen"; known are preset, bolt, resize/],
  ['{"mean": [1, 2]}', '"mean" must be a list of one or three numbers, not a list'],
  ['{"scale": ["1"]}', '"scale" must be a list of one or three numbers'],
  ['{"shortSide": 0}', '"shortSide" must be a whole number above 0, not 0'],
  ['{"shortSide": 1.5}', '"shortSide" must be a whole number above 0, not 1.5'],
  ['{"pad": "114"}', '"pad" must be a number, not "114"'],
  ['{"layout": "NCWH"}', '"layout" must be one of NCHW, NHWC, not "NCWH"'],
  [`{"mean": ${"[".repeat(50_000)}${"]".repeat(50_000)}}`, "nested more than 100 levels deep"],
] as const) {
  it(`refuses ${json.slice(0, 60)}`, () => expect(() => parsePreprocessing(json, "p.json")).toThrow(wanted));
}
