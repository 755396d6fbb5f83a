import { expect, it } from "vitest";
import { parseInputShapes } from "./input-shapes.ts";

it.each([
  ["x=1,3,224,224", { x: [1, 3, 224, 224] }],
  ["x=1x3,y=7", { x: [1, 3], y: [7] }],
  ["a=1,2,b=3,4x5", { a: [1, 2], b: [3, 4, 5] }],
  ["a=b=2", { "a=b": [2] }],
])("reads sizes of inputs: %s", (text, shapes) => {
  expect(parseInputShapes(text)).toEqual(shapes);
});

it.each(["", "x", "x=", "1,2", "x=1,,2", "x=1,-2", "x=0", "x=1.5", "=1", "x=99999999999999999999"])(
  "refuses %j",
  (text) => {
    expect(() => parseInputShapes(text)).toThrow(/does not give input shapes/);
  },
);
