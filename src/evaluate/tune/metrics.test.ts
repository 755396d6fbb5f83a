import { describe, expect, it } from "vitest";
import type { Sample } from "../../data/dataset.ts";
import { denseTensor } from "../../graph/dense-values.ts";
import { AGREEMENT, BOXES, DECIBELS, scriptMetric, TEXT, type TuneMetric, top1Metric } from "./metrics.ts";

const sample = (name: string, shape: readonly number[] = [1]): Sample => ({
  name,
  inputs: new Map([["x", denseTensor("float32", shape, new Float32Array(shape.reduce((a, b) => a * b)))]]),
});

/** What the metric says of rows of outputs against others; examples are called a, b, … */
const kept = (
  metric: TuneMetric,
  rows: readonly (readonly number[])[],
  shape?: readonly number[],
  input?: readonly number[],
) =>
  rows.map((row, index) =>
    metric.keep(
      sample(String.fromCharCode(97 + index), input),
      new Map([["y", denseTensor("float32", shape ?? [1, row.length], row)]]),
    ),
  );

describe("metrics for tuning", () => {
  it("count right answers of labelled examples, and lean on changed ones where there are few", () => {
    const metric = top1Metric(
      new Map([
        ["a", 0],
        ["b", 1],
      ]),
    );
    const reference = kept(metric, [
      [2, 1],
      [1, 2],
      [1, 2],
    ]);
    const other = kept(metric, [
      [2, 1],
      [2, 1],
      [2, 1],
    ]);
    expect(metric.drop(other, reference)).toBe(50);
    expect(metric.drop(reference, other)).toBe(-50);
    // Two of three answers changed: 6.7 % are usual, and chance may make 47 of it.
    expect(metric.expected!(other, reference)).toBeCloseTo(6.67, 0);
    expect(metric.expected!(reference, other)).toBeGreaterThan(6);
    expect(metric.expected!(reference, reference)).toBe(0);
    expect(() => top1Metric(new Map()).drop(other, kept(top1Metric(new Map()), [[1], [1], [1]]))).toThrow(
      "no example has a label",
    );
  });

  it("expect less to be lost of answers that small errors turn around than of those that large ones do", () => {
    const names = Array.from({ length: 26 }, (_, index) => String.fromCharCode(97 + index));
    const metric = top1Metric(new Map(names.map((name) => [name, 0])));
    const margins = names.map((_, index) => 0.3 * index);
    const moved = (error: number) =>
      kept(
        metric,
        margins.map((margin, index) => [margin + (index % 2 === 0 ? error : -error), 0]),
      );
    const reference = moved(0);
    const [small, large] = [0.4, 4].map((error) => metric.expected!(moved(error), reference));
    // Answers that change are those of margins about 0 to 0.4 and 0 to 4: the first are lost in half of 0.4, by tanh(margin / 2).
    expect(small!).toBeLessThan(1);
    expect(large!).toBeGreaterThan(10);
  });

  it("count other answers than the float model's, and the power of errors", () => {
    expect(
      AGREEMENT.drop(
        kept(AGREEMENT, [
          [1, 2],
          [3, 0],
        ]),
        kept(AGREEMENT, [
          [2, 1],
          [3, 0],
        ]),
      ),
    ).toBe(50);
    expect(DECIBELS.drop(kept(DECIBELS, [[3, 4.5]]), kept(DECIBELS, [[3, 4]]))).toBeCloseTo(1);
  });

  it("expect changed answers on others where margins are as narrow as errors, though none changed here", () => {
    // Margins of 1 and errors of ±0.5: two standard deviations, which 2.275 % exceed; that none of twenty did takes a 25th of it.
    const rows = (error: number) =>
      Array.from({ length: 20 }, (_, index) => [3, 2 + (index % 2 === 0 ? error : -error), 0]);
    const [reference, other] = [kept(AGREEMENT, rows(0)), kept(AGREEMENT, rows(0.5))];
    expect(AGREEMENT.drop(other, reference)).toBe(0);
    expect(AGREEMENT.expected!(other, reference)).toBeCloseTo(2.19, 2);
    expect(AGREEMENT.expected!(reference, reference)).toBe(0);
    // Wide margins with errors of their own change nothing about the narrow ones.
    const wide = (error: number) => Array.from({ length: 20 }, () => [90, 30 + error, 0]);
    const [more, others] = [kept(AGREEMENT, [...rows(0), ...wide(0)]), kept(AGREEMENT, [...rows(0.5), ...wide(20)])];
    expect(AGREEMENT.expected!(others, more)).toBeCloseTo(2.275 / 2, 1);
    // Probabilities tell the same as the scores that they were made of.
    const softmax = (row: number[]) =>
      row.map((score) => Math.exp(score) / row.reduce((sum, one) => sum + Math.exp(one), 0));
    const chances = [kept(AGREEMENT, rows(0.5).map(softmax)), kept(AGREEMENT, rows(0).map(softmax))] as const;
    expect(AGREEMENT.expected!(...chances)).toBeCloseTo(2.19, 2);
  });

  it("match boxes of one class that overlap by half", () => {
    const row = (x: number, width: number, kind: 0 | 1, score = 0.9) => [x, 50, width, 20, score, 1 - kind, kind];
    const boxes = (...rows: number[][]) => kept(BOXES, [rows.flat()], [1, rows.length, 7], [1, 3, 100, 100]);
    const reference = boxes(row(20, 20, 0), row(70, 20, 1));
    expect(BOXES.drop(reference, reference)).toBe(0);
    expect(BOXES.drop(boxes(row(22, 20, 0), row(70, 20, 1)), reference)).toBe(0);
    expect(BOXES.drop(boxes(row(20, 20, 0), row(70, 20, 0)), reference)).toBe(50);
    expect(BOXES.drop(boxes(row(20, 20, 0), row(70, 20, 1, 0.1)), reference)).toBeCloseTo(100 / 3);
    // The same box twice is one.
    expect(BOXES.drop(boxes(row(20, 20, 0), row(21, 20, 0, 0.8), row(70, 20, 1)), reference)).toBe(0);
  });

  it("refuse scores of classes as boxes", () => {
    expect(() => kept(BOXES, [[1, 2, 3, 4, 5, 6, 7]])).toThrow("an output of 1x7 is no list of boxes");
  });

  it("read boxes of YOLOX from its cells", () => {
    // A picture of 8 x 8 has one cell, of 8 pixels: the box in its middle is 16 pixels wide.
    const [box] = kept(BOXES, [[0.5, 0.5, Math.log(2), 0, 1, 1]], [1, 1, 6], [1, 3, 8, 8]);
    for (const [index, value] of [-4, 0, 12, 8, 0].entries()) expect(box![index]).toBeCloseTo(value, 5);
  });

  it("count letters that are wrong, without blanks and repetitions", () => {
    const letters = (...best: number[]) =>
      kept(TEXT, [best.flatMap((one) => [0, 1, 2, 3].map((n) => Number(n === one)))], [1, best.length, 4]);
    expect(TEXT.drop(letters(1, 1, 0, 2, 3), letters(0, 1, 2, 2, 3))).toBe(0);
    expect(TEXT.drop(letters(1, 2, 0, 0), letters(1, 3, 2, 1))).toBe(50);
  });

  it("take the mean of a script's scores, and refuse what is no number", () => {
    const metric = scriptMetric("own.mjs", ({ y }) => denseTensorValue(y!.data));
    expect(metric.drop(kept(metric, [[0.5], [1]]), kept(metric, [[1], [1]]))).toBe(25);
    const broken = scriptMetric("own.mjs", () => Number.NaN);
    expect(() => kept(broken, [[1]])).toThrow('gave NaN for the example "a"');
  });
});

function denseTensorValue(data: Uint8Array): number {
  return new Float32Array(data.slice().buffer)[0]!;
}
