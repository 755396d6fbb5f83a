import { describe, expect, it } from "vitest";
import { BINS } from "./histogram.ts";
import type { Observations, ValueObservations } from "./observations.ts";
import { parseObservations, printObservations } from "./observations-file.ts";

const bins = (...counts: number[]) => Float64Array.from({ length: BINS }, (_, index) => counts[index] ?? 0);
const plain: ValueObservations = {
  examples: 2,
  numbers: 8,
  minimum: -1.5,
  maximum: 2,
  sumOfMinima: -(3n << 148n),
  sumOfMaxima: 2n ** 150n,
};
const full: ValueObservations = {
  ...plain,
  peak: { example: "b.png", magnitude: 2, others: 1.25 },
  histogram: { exponent: 1, positive: bins(0, 3, 0, 2), negative: bins() },
  moments: { sum: 12n, sumOfSquares: 13n },
  channels: { magnitudes: [1, 2], sums: [-4n, 5n] },
};
const observations: Observations = {
  origin: { model: "0f", settings: { scale: "1", collect: "histogram" }, shard: { index: 2, count: 3 } },
  examples: ["a.png", "b.png"],
  skipped: [{ name: "c.png", reason: "the file is empty" }],
  values: new Map([
    ["x", full],
    ["__proto__", plain],
  ]),
};

it("reads what it wrote, and writes the same again", () => {
  const text = printObservations(observations);
  expect(parseObservations(text, "s.json")).toEqual(observations);
  expect(printObservations(parseObservations(text, "s.json"))).toBe(text);
  expect(text.split("\n")[2]).toContain('"histogram":{"exponent":1,"positive":[0,3,0,2],"negative":[]}');
});

describe("a damaged file", () => {
  const whole = JSON.parse(printObservations(observations));
  const value = (change: object) => ({ ...whole, values: [{ ...whole.values[0], ...change }] });
  for (const [file, wanted] of [
    [[], "a file of statistics must be an object, not a list"],
    [{ x: 1 }, 'the field "format" is missing'],
    [{ ...whole, format: "other" }, '"format" must be "boltq-statistics", not "other"'],
    [{ ...whole, version: 2 }, '"version" must be 1, not 2'],
    [{ ...whole, origin: { settings: {} } }, 'the field "origin.model" is missing'],
    [{ ...whole, origin: { model: "0f", settings: { scale: 1 } } }, '"origin.settings.scale" must be a text, not 1'],
    [
      { ...whole, origin: { ...whole.origin, shard: { index: 4, count: 3 } } },
      '"origin.shard" must be a shard, index from 1 to count, not an object',
    ],
    [{ ...whole, examples: ["a", 1] }, '"examples[1]" must be a text, not 1'],
    [{ ...whole, skipped: [{ name: "a" }] }, 'the field "skipped[0].reason" is missing'],
    [{ ...whole, values: {} }, '"values" must be a list of values, not an object'],
    [
      { ...whole, values: [whole.values[0], whole.values[0]] },
      '"values" must be a list in which no value is there twice',
    ],
    [value({ numbers: -1 }), '"values[0].numbers" must be a whole number of at least 0, not -1'],
    [value({ examples: 1.5 }), '"values[0].examples" must be a whole number of at least 0, not 1.5'],
    [value({ minimum: 2.5 }), '"values[0]" must be a value whose minimum is not above its maximum, not an object'],
    [value({ minimum: null }), '"values[0].minimum" must be a number, not null'],
    [value({ sumOfMinima: 1 }), '"values[0].sumOfMinima" must be a whole number as text, not 1'],
    [value({ sumOfMaxima: "0x1" }), '"values[0].sumOfMaxima" must be a whole number as text, not "0x1"'],
    [value({ sumOfMaxima: "1".repeat(111) }), '"values[0].sumOfMaxima" must be a whole number as text'],
    [
      value({ histogram: { exponent: 129, positive: [], negative: [] } }),
      '"values[0].histogram.exponent" must be a whole number from -100 to 128, not 129',
    ],
    [
      value({ histogram: { exponent: 1, positive: new Array(BINS + 1).fill(0), negative: [] } }),
      `"values[0].histogram.positive" must be a list of at most ${BINS} whole numbers of at least 0`,
    ],
    [
      value({ histogram: { exponent: 1, positive: [], negative: [0.5] } }),
      `"values[0].histogram.negative" must be a list of at most ${BINS} whole numbers of at least 0`,
    ],
    [value({ peak: { example: "a", magnitude: 1 } }), 'the field "values[0].peak.others" is missing'],
    [value({ channels: { magnitudes: [1], sums: [] } }), '"values[0].channels" must be as many magnitudes as sums'],
  ] as const) {
    it(`is refused: ${wanted}`, () => {
      expect(() => parseObservations(JSON.stringify(file), "s.json")).toThrow(`s.json: ${wanted}`);
    });
  }

  it("may have 250,000 values that are none, or be nested too deeply", () => {
    const list = JSON.stringify({ ...whole, values: new Array(250_000).fill(1) });
    expect(() => parseObservations(list, "s.json")).toThrow('"values[0]" must be an object, not 1');
    expect(() => parseObservations(`[${"[".repeat(50_000)}`, "s.json")).toThrow("nested more than 100 levels");
  });
});
