import { expect, it } from "vitest";
import type { ValueStatistics } from "../../calibrate/statistics.ts";
import { checkStatistics } from "./check-statistics.ts";

const seen: ValueStatistics = { examples: 1, numbers: 1, minimum: 0, maximum: 1, meanMinimum: 0, meanMaximum: 1 };
const statistics = { examples: ["a"], skipped: [], values: new Map([["x", seen]]) };

it("takes statistics that tell of more than is needed", () => {
  expect(() => checkStatistics(["x"], statistics, false)).not.toThrow();
  expect(() => checkStatistics([], statistics, false)).not.toThrow();
});

it("names the values that are missing and the command to run", () => {
  expect(() => checkStatistics(["x", "y", "z"], statistics, false)).toThrow(
    /^the statistics do not tell of the values "y", "z"\. .*boltq calibrate MODEL --data FOLDER --recipe RECIPE -o/,
  );
  expect(() => checkStatistics(["y"], statistics, true)).toThrow(/^neither the scale table nor .*--stats STATS\.json/);
  expect(() => checkStatistics("abcdefg", statistics, false)).toThrow(/"e" and 2 more/);
});
