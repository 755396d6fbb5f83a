import { describe, expect, it } from "vitest";
import { boltModel } from "../../../test/models/bolt-model.ts";
import { outputsOf } from "../../../test/models/run.ts";
import type { ParameterValues } from "../../bolt/parameters.ts";

const VARIANCES = [0.1, 0.2, 0.3, 0.4];

/** The default boxes of a map of 1 × 2 places, four numbers each, and their variances. */
async function defaultBoxes(more: ParameterValues, image = false): Promise<readonly number[]> {
  const model = boltModel({
    inputs: image ? { x: [1, 3, 1, 2], image: [1, 3, 8, 16] } : { x: [1, 3, 1, 2] },
    operators: [
      [
        "PriorBox",
        image ? ["x", "image"] : ["x"],
        "y",
        { min_sizes: [4, 0], max_sizes: [0, 0], aspect_ratios: [1, 0], variances: VARIANCES, offset: 0.5, ...more },
      ],
    ],
    outputs: ["y"],
  });
  const { values, shapes } = await outputsOf(model);
  expect(shapes[0]).toEqual([1, 2, values[0]!.length / 2]);
  return values[0]!;
}

/** Corners as shares of an image of 8 × 16. */
const corners = (x: number, y: number, width: number, height: number) => [
  (x - width / 2) / 16,
  (y - height / 2) / 8,
  (x + width / 2) / 16,
  (y + height / 2) / 8,
];

function expectNumbers(found: readonly number[], expected: readonly number[]): void {
  expect(found).toHaveLength(expected.length);
  for (const [index, value] of found.entries()) expect(value).toBeCloseTo(expected[index]!, 5);
}

const SIZED = { image_h: 8, image_w: 16, step_h: 8, step_w: 8 };

describe("default boxes of a detector", () => {
  it("are a square at each place, then the variances", async () => {
    const expected = [...corners(4, 4, 4, 4), ...corners(12, 4, 4, 4), ...VARIANCES, ...VARIANCES];
    expectNumbers(await defaultBoxes(SIZED), expected);
    expectNumbers(await defaultBoxes({}, true), expected);
  });

  it("take the map for the image where there is none", async () => {
    expectNumbers((await defaultBoxes({})).slice(0, 4), [(0.5 - 2) / 2, 0.5 - 2, (0.5 + 2) / 2, 0.5 + 2]);
  });

  it("have a square between least and most size, then each ratio and its inverse", async () => {
    const more = { max_sizes: [9, 0], aspect_ratios: [1, 4], flip: 1 };
    const expected = [...corners(4, 4, 4, 4), ...corners(4, 4, 6, 6), ...corners(4, 4, 8, 2), ...corners(4, 4, 2, 8)];
    expectNumbers((await defaultBoxes({ ...SIZED, ...more })).slice(0, 16), expected);
    const plain = await defaultBoxes({ ...SIZED, ...more, flip: 0 });
    expectNumbers(plain.slice(0, 12), expected.slice(0, 12));
    expectNumbers(plain.slice(12, 16), corners(12, 4, 4, 4));
  });

  it("are cut to the image where that is asked, and moved by the offset", async () => {
    const more = { ...SIZED, min_sizes: [12, 0], offset: 0.25 };
    const whole = [...corners(2, 2, 12, 12), ...corners(10, 2, 12, 12)];
    expectNumbers((await defaultBoxes(more)).slice(0, 8), whole);
    const cut = whole.map((share) => Math.min(Math.max(share, 0), 1));
    expectNumbers((await defaultBoxes({ ...more, clip: 1 })).slice(0, 8), cut);
  });
});

/** Four default boxes of half the image in its corners; the second and third lie on each other. */
const BOXES = [
  [0, 0, 0.5, 0.5],
  [0.5, 0, 1, 0.5],
  [0.5, 0, 1, 0.5],
  [0, 0.5, 0.5, 1],
];

/** Rows of label, score and corners; the first number of all is how many were found. */
async function detections(scores: readonly number[], more: ParameterValues = {}, offsets = new Array(16).fill(0)) {
  const model = boltModel({
    inputs: { offsets: [1, 16], scores: [1, 12], boxes: [1, 2, 16] },
    operators: [
      [
        "DetectionOutput",
        ["offsets", "scores", "boxes"],
        "y",
        { num_class: 3, nms_threshold: 0.5, nms_top_k: 10, keep_top_k: 5, confidence_threshold: 0.3, ...more },
      ],
    ],
    outputs: ["y"],
  });
  const variances = BOXES.flatMap(() => [0.1, 0.1, 0.2, 0.2]);
  const { values, shapes } = await outputsOf(model, { offsets, scores, boxes: [...BOXES.flat(), ...variances] });
  const [rows = 0] = shapes[0]!;
  return Array.from({ length: rows }, (_, row) => values[0]!.slice(6 * row, 6 * row + 6));
}

const row = (label: number, score: number, box: readonly number[]) => [label, Math.fround(score), ...box];
const NOTHING = [0, 0, 0, 0, 0, 0];

/** Background, first and second class of each box. */
const SCORES = [
  [0.1, 0.9, 0],
  [0.1, 0.6, 0.35],
  [0.1, 0.7, 0.2],
  [0.1, 0.1, 0.8],
].flat();

describe("detections", () => {
  it("are the best of boxes that overlap, by score, behind their number", async () => {
    expect(await detections(SCORES)).toEqual([
      [4, 0, 0, 0, 0, 0],
      row(1, 0.9, BOXES[0]!),
      row(2, 0.8, BOXES[3]!),
      row(1, 0.7, BOXES[2]!),
      row(2, 0.35, BOXES[1]!),
      NOTHING,
    ]);
  });

  it("are no more than are kept, and none below the threshold", async () => {
    const best = [row(1, 0.9, BOXES[0]!), row(2, 0.8, BOXES[3]!)];
    expect(await detections(SCORES, { keep_top_k: 2 })).toEqual([[2, 0, 0, 0, 0, 0], ...best]);
    const few = await detections(SCORES, { confidence_threshold: 0.75 });
    expect(few).toEqual([[2, 0, 0, 0, 0, 0], ...best, NOTHING, NOTHING, NOTHING]);
  });

  it("are chosen among the best scores of a class", async () => {
    const found = await detections(SCORES, { nms_top_k: 1 });
    expect(found.slice(0, 4)).toEqual([[2, 0, 0, 0, 0, 0], row(1, 0.9, BOXES[0]!), row(2, 0.8, BOXES[3]!), NOTHING]);
  });

  it("move and grow their boxes by offsets in units of the variances", async () => {
    const offsets = [2, -1, Math.log(2) / 0.2, Math.log(4) / 0.2, ...new Array<number>(12).fill(0)];
    const [, best] = await detections(SCORES, {}, offsets);
    const [x, y, width, height] = [0.25 + 2 * 0.1 * 0.5, 0.25 - 0.1 * 0.5, 1, 2];
    expectNumbers(best!.slice(2), [x - width / 2, y - height / 2, x + width / 2, y + height / 2]);
  });
});
