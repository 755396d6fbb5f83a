import { expect, it } from "vitest";
import { parseShard } from "./dataset.ts";

it("a shard is a part of several, counted from 1", () => {
  expect(parseShard("3/8")).toEqual({ index: 3, count: 8 });
  expect(parseShard("8/8")).toEqual({ index: 8, count: 8 });
  expect(parseShard("1/1")).toEqual({ index: 1, count: 1 });
});

for (const text of ["0/8", "9/8", "1/0", "3", "3/8/1", "a/b", " 1/2", "-1/2", "1/99999999999999999999", ""]) {
  it(`"${text}" is no shard`, () => {
    expect(() => parseShard(text)).toThrow(`"${text}" is no shard. Give PART/PARTS, such as 3/8`);
  });
}
