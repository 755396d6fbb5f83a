import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { BoltqError } from "./error.ts";
import { fields, fieldsAmongOthers, finiteNumber, namedValues, oneOf, parseAs, type Schema, text } from "./schema.ts";

const parse = (schema: Schema<unknown>, json: string) =>
  parseAs(schema, json, { file: "f.json", what: "a thing", remedy: "See the manual" });

/** The message without file and remedy. */
function problem(schema: Schema<unknown>, json: string): string | undefined {
  try {
    parse(schema, json);
  } catch (error) {
    expect(error).toBeInstanceOf(BoltqError);
    const { code, message, problem } = error as BoltqError;
    expect(code).toBe("format");
    expect(message).toBe(`f.json: ${problem}. See the manual`);
    return problem;
  }
  return undefined;
}

const closed = fields({
  kind: oneOf<string | number>("a", "b", 3),
  note: v.exactOptional(text),
  parts: v.exactOptional(v.array(fields({ size: finiteNumber }), "a list of parts")),
});

describe("fields", () => {
  it("gives what is there", () => {
    expect(parse(closed, '{"kind": 3, "parts": [{"size": 1.5}]}')).toEqual({ kind: 3, parts: [{ size: 1.5 }] });
  });

  for (const [json, wanted] of [
    ["[]", "a thing must be an object, not a list"],
    ["null", "a thing must be an object, not null"],
    ['"a"', 'a thing must be an object, not "a"'],
    ["{}", 'the field "kind" is missing'],
    ['{"kind": "c"}', '"kind" must be one of a, b, 3, not "c"'],
    ['{"kind": {}}', '"kind" must be one of a, b, 3, not an object'],
    ['{"kind": "a", "note": 1}', '"note" must be a text, not 1'],
    ['{"kind": "a", "size": 1}', 'there is no field "size"; known are kind, note, parts'],
    ['{"kind": "a", "__proto__": 1}', 'there is no field "__proto__"; known are kind, note, parts'],
    ['{"kind": "a", "toString": 1}', 'there is no field "toString"; known are kind, note, parts'],
    ['{"kind": "a", "parts": {}}', '"parts" must be a list of parts, not an object'],
    ['{"kind": "a", "parts": [{"size": 1}, {"size": 1e999}]}', '"parts[1].size" must be a number, not null'],
    ['{"kind": "a", "parts": [{"size": 1}, []]}', '"parts[1]" must be an object, not a list'],
    ['{"kind": "a", "parts": [{"size": 1, "x": 2}]}', 'there is no field "parts[0].x"; known are size'],
    ['{"kind": "a", "parts": [{}]}', 'the field "parts[0].size" is missing'],
  ] as const) {
    it(`says of ${json}: ${wanted}`, () => expect(problem(closed, json)).toBe(wanted));
  }

  it("cuts a long text that it shows", () => {
    expect(problem(closed, JSON.stringify({ kind: "x".repeat(1000) }))).toBe(
      `"kind" must be one of a, b, 3, not "${"x".repeat(59)}…`,
    );
  });
});

it("fields among others leaves the others out", () => {
  const open = fieldsAmongOthers({ size: finiteNumber });
  expect(parse(open, '{"size": 2, "more": 1}')).toEqual({ size: 2 });
  expect(problem(open, "[]")).toBe("a thing must be an object, not a list");
  expect(problem(open, '{"more": 1}')).toBe('the field "size" is missing');
});

describe("named values", () => {
  const sizes = namedValues(fields({ size: finiteNumber }));

  it("may have any name", () => {
    const json = '{"__proto__": {"size": 1}, "constructor": {"size": 2}, "": {"size": 3}}';
    expect([...(parse(sizes, json) as Map<string, unknown>)]).toEqual([
      ["__proto__", { size: 1 }],
      ["constructor", { size: 2 }],
      ["", { size: 3 }],
    ]);
  });

  it("are named when they are wrong", () => {
    expect(problem(sizes, '{"a/b": {"size": true}}')).toBe('"a/b.size" must be a number, not true');
    expect(problem(sizes, '{"a": {}}')).toBe('the field "a.size" is missing');
    expect(problem(sizes, '{"a": {"size": 1, "b": 2}}')).toBe('there is no field "a.b"; known are size');
    expect(problem(sizes, "3")).toBe("a thing must be an object, not 3");
  });
});
