import { expect, it } from "vitest";
import { parseJson } from "./json.ts";

it("parses JSON", () => {
  expect(parseJson('{"a": [1, {"b": "\\u0041"}, []], "c": {}}', "file")).toEqual({ a: [1, { b: "A" }, []], c: {} });
});

const BROKEN: readonly (readonly [string, number, number])[] = [
  ['{"a": 3.0,}', 1, 11],
  ['{"a": x}', 1, 7],
  ['{\n "a": 1,\n "b" 2}', 3, 6],
  ['{"a": [1, 2}', 1, 12],
  ['{"a": 1', 1, 8],
  ['"abc', 1, 1],
  ["[1, 2] 3", 1, 8],
  ['{"a": 01}', 1, 8],
  ["", 1, 1],
  ["[[[[", 1, 5],
];

for (const [text, line, column] of BROKEN) {
  it(`names the place where ${JSON.stringify(text)} breaks`, () => {
    expect(() => parseJson(text, "table.json")).toThrow(
      `table.json: this is not valid JSON at line ${line}, column ${column}.`,
    );
  });
}
