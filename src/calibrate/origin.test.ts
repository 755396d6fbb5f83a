import { expect, it } from "vitest";
import { mergeOrigins, type Origin } from "./origin.ts";

const part = (index: number, count: number, change: Partial<Origin> = {}): Origin => ({
  model: "abc",
  settings: { scale: "1", collect: "histogram" },
  shard: { index, count },
  ...change,
});
const whole: Origin = { model: "abc", settings: { scale: "1", collect: "histogram" } };
const merge = (...origins: readonly (Origin | undefined)[]) =>
  mergeOrigins(
    origins,
    origins.map((_, index) => `p${index + 1}`),
  );

it("makes the whole of all shards, in any order", () => {
  expect(merge(part(2, 3), part(3, 3), part(1, 3))).toEqual(whole);
  expect(merge(part(1, 1))).toEqual(whole);
});

it("joins wholes, and parts of unknown origin", () => {
  expect(merge(whole, whole)).toEqual(whole);
  expect(merge(undefined, undefined)).toBeUndefined();
});

it.each([
  ["the shards 2/3 are missing", [part(1, 3), part(3, 3)]],
  ["the shards 1/8, 3/8, 5/8, 6/8, 7/8, 8/8 are missing", [part(2, 8), part(4, 8)]],
  [/2\/999, .* 11\/999 and 988 more are missing/, [part(1, 999)]],
  [/and 4503599627370486 more are missing/, [part(1, 2 ** 52 + 1)]],
  ["the shard 1/2 is there twice", [part(1, 2), part(1, 2), part(2, 2)]],
  ["the parts are shards of 2 and shards of 3", [part(1, 2), part(2, 3)]],
  ["the parts are all examples and shards of 1", [whole, part(1, 1)]],
  ["p1 and p2 were made of different models", [part(1, 2), part(2, 2, { model: "abd" })]],
  [
    "scale is 1 in p1, and 2 in p3",
    [part(1, 3), part(2, 3), part(3, 3, { settings: { ...whole.settings, scale: "2" } })],
  ],
  ["collect is histogram in p1, and none in p2", [part(1, 2), part(2, 2, { settings: { scale: "1" } })]],
  ["limit is none in p1, and 5 in p2", [part(1, 2), part(2, 2, { settings: { ...whole.settings, limit: "5" } })]],
  ["p2 does not say what it was made of", [part(1, 2), undefined]],
  ["p1 does not say what it was made of", [undefined, part(2, 2)]],
] as const)("refuses: %s", (problem, origins) => {
  expect(() => merge(...origins)).toThrow(problem);
});
