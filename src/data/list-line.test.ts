import { expect, it } from "vitest";
import { denseValues } from "../graph/dense-values.ts";
import type { Signature } from "../onnx/model.ts";
import { parseFields, valuesOfFields } from "./list-line.ts";

const input = (name: string): Signature => ({ name, type: undefined });

function parse(line: string, ...names: string[]): unknown[] {
  const values = valuesOfFields(parseFields(line, "l.jsonl, line 3"), names.map(input), "l.jsonl, line 3");
  return [...values].map(([name, value]) =>
    typeof value === "string" ? [name, value] : [name, value.type, value.shape, Array.from(denseValues(value))],
  );
}

it("gives paths and numbers by the inputs' names, in their order", () => {
  const line = '{"text": "left alone", "b": [[1, 2.5], [true, false]], "a": "1.png", "c": -3}';
  expect(parse(line, "a", "b", "c")).toEqual([
    ["a", "1.png"],
    ["b", "float64", [2, 2], [1, 2.5, 1, 0]],
    ["c", "float64", [], [-3]],
  ]);
  expect(parse('{"__proto__": [1]}', "__proto__")).toEqual([["__proto__", "float64", [1], [1]]]);
  expect(parse('{"a": []}', "a")).toEqual([["a", "float64", [0], []]]);
});

it('takes "file" for the only input, unless the input is there by name', () => {
  expect(parse('{"file": "1.png"}', "x")).toEqual([["x", "1.png"]]);
  expect(parse('{"file": "1.png", "x": "2.png"}', "x")).toEqual([["x", "2.png"]]);
});

for (const [line, wanted] of [
  ["[1]", 'a line of a list must be an object, not a list. Write one such as {"file": "image.jpg"}'],
  ['{"y": 1}', 'there is no value for the input "x". Each line has the fields "x"'],
  ['{"x": [[1, 2], [3]]}', '"x" must be a path or evenly nested lists of numbers, not a list'],
  ['{"x": [1, [2]]}', '"x" must be a path or evenly nested lists'],
  ['{"x": [[1], 2]}', '"x" must be a path or evenly nested lists'],
  ['{"x": ["a"]}', '"x" must be a path or evenly nested lists'],
  ['{"x": null}', '"x" must be a path or evenly nested lists of numbers, not null'],
  ['{"x": {"a": 1}}', '"x" must be a path or evenly nested lists of numbers, not an object'],
  ['{"x": "1.png', "this is not valid JSON at line 1, column 7"],
  [`{"x": ${"[".repeat(3_000_000)}`, "nested more than 100 levels deep"],
] as const) {
  it(`refuses ${line.slice(0, 40)}`, () => {
    expect(() => parse(line, "x")).toThrow(`l.jsonl, line 3: ${wanted}`.replace(/: nested/, ": this is nested"));
  });
}

it('wants each of several inputs by name, though there is a "file"', () => {
  expect(() => parse('{"file": "1.png", "a": 1}', "a", "b")).toThrow('there is no value for the input "b"');
});
