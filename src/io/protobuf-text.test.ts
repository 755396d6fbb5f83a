import { expect, it } from "vitest";
import { BoltqError } from "./error.ts";
import { TextMessage } from "./protobuf-text.ts";

function problem(text: string): string {
  try {
    TextMessage.parse(text);
  } catch (error) {
    if (error instanceof BoltqError) return error.message;
    throw error;
  }
  return "none";
}

it("reads fields of every kind", () => {
  const message = TextMessage.parse(`
    # a comment
    name: "a" 'b\\x21\\n'   on: true off: 0;
    size: -3, size: 0x10 sizes: [1, 2 , 3] none: []
    rate: 1.5e-3f rate: -inf
    inner { word: MAX } inner: < word: SUM >
  `);
  expect(message.text("name")).toBe("ab!\n");
  expect(message.flag("on", false)).toBe(true);
  expect(message.flag("off", true)).toBe(false);
  expect(message.integers("size")).toEqual([-3, 16]);
  expect(message.integers("sizes")).toEqual([1, 2, 3]);
  expect(message.has("none")).toBe(false);
  expect(message.floats("rate")).toEqual([Math.fround(0.0015), Number.NEGATIVE_INFINITY]);
  expect(message.messages("inner").map((inner) => inner.word("word", ""))).toEqual(["MAX", "SUM"]);
  expect(message.float("absent", 7)).toBe(7);
  expect(message.word("on", "", ["zero", "one"])).toBe("true");
  expect(message.word("off", "", ["zero", "one"])).toBe("zero");
  expect(message.word("off", "", { 1: "one" })).toBe("0");
  expect(TextMessage.parse("word: length").word("word", "", ["zero"])).toBe("length");
});

it("knows what was not asked for", () => {
  const message = TextMessage.parse("a: 1 b { c: 2 d: 3 }");
  message.integer("a", 0);
  message.message("b").integer("c", 0);
  expect(message.unread().map(({ name, line, column }) => [name, line, column])).toEqual([["d", 1, 15]]);
});

it("says where the text is wrong", () => {
  expect(problem("a: 1\n b {")).toBe("line 2, column 5: the text ends inside a message");
  expect(problem("a 1")).toBe('line 1, column 3: expected ":" or "{" after "a"');
  expect(problem("a: }")).toBe('line 1, column 4: expected the value of "a"');
  expect(problem("a: [1 2]")).toBe('line 1, column 7: expected "]"');
  expect(problem("a: \u0000")).toContain("line 1, column 4");
  expect(problem('a: "open')).toContain("line 1, column 4");
  expect(problem("}")).toContain("expected the name of a field");
  expect(() => TextMessage.parse("\n a: word").integer("a", 0)).toThrow(
    'line 2, column 2: the field "a" must be a whole number',
  );
});

it("bounds nesting, also without closing brackets", () => {
  expect(problem("a{".repeat(100_000))).toContain("nested more than 100 deep");
  expect(problem("a: [".repeat(100_000))).toContain('expected "]"');
});
