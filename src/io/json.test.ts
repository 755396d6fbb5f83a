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

const thrownBy = (text: string, options?: { duplicates?: boolean }): unknown => {
  try {
    parseJson(text, "t.json", options);
  } catch (error) {
    return (error as Error).message;
  }
  return undefined;
};

it("takes time linear in a text whose quote is never closed", () => {
  const unclosed = `{"layer": "${"a\\n".repeat(1_000_000)}`;
  expect(thrownBy(unclosed)).toBe("t.json: this is not valid JSON at line 1, column 11. Correct the file");
  const quotes = `["${'\\"'.repeat(1_000_000)}`;
  expect(thrownBy(quotes)).toBe("t.json: this is not valid JSON at line 1, column 2. Correct the file");
});

it("takes a long string, as a picture inside the text may be", () => {
  const long = 'é\\"'.repeat(500_000);
  expect(parseJson(`["${long}"]`, "file")).toEqual(['é"'.repeat(500_000)]);
});

it("refuses what is nested more than 100 levels deep", () => {
  const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
  expect(thrownBy(nested(100))).toBeUndefined();
  expect(thrownBy(nested(101))).toBe(
    "t.json: this is nested more than 100 levels deep at line 1, column 101. Correct the file",
  );
  expect(thrownBy('{"a":'.repeat(1_000_000))).toMatch(/nested more than 100 levels deep at line 1, column 501/);
});

it("refuses a name that an object has twice, unless the last one shall win", () => {
  const twice = '{"a": {"b": 1},\n "c": 2, "\\u0061": 3}';
  expect(thrownBy(twice)).toBe('t.json: the name "a" is there twice at line 2, column 10. Correct the file');
  expect(parseJson(twice, "t.json", { duplicates: true })).toEqual({ a: 3, c: 2 });
  expect(thrownBy('[{"a": {"a": 1}}, {"a": 2}]')).toBeUndefined();
});

it("leaves the prototypes alone", () => {
  const value = parseJson('{"__proto__": {"polluted": 1}, "constructor": 2}', "file") as Record<string, unknown>;
  expect(Object.keys(value)).toEqual(["__proto__", "constructor"]);
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

it("agrees with JSON.parse on what is JSON", () => {
  const seeds = ['{"a": [1, -0.5e+3, "\\u00e9\\n", true], "b": {"c": null, "d": [[], {}]}}', ' [0,10,"x\\\\"]\r\n'];
  const letters = '{}[]",:0123.eE+-\\ \n\ttruefalsn\u0001u';
  let state = 1;
  const below = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const parsed = (parse: () => unknown) => {
    try {
      return parse();
    } catch {
      return "no JSON";
    }
  };
  let valid = 0;
  for (let round = 0; round < 5_000; round++) {
    const characters = [...seeds[round % 2]!];
    for (let count = below(3); count >= 0; count--) {
      characters.splice(below(characters.length), below(2), letters[below(letters.length)]!);
    }
    const text = characters.join("");
    const wanted = parsed(() => JSON.parse(text));
    expect(
      parsed(() => parseJson(text, "file", { duplicates: true })),
      text,
    ).toEqual(wanted);
    if (wanted !== "no JSON") valid += 1;
  }
  expect(valid).toBeGreaterThan(250);
});
