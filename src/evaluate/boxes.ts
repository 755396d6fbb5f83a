import { denseValues } from "../graph/dense-values.ts";
import type { DenseTensor } from "../graph/tensor.ts";
import { BoltqError } from "../io/error.ts";

/** Numbers that stand for a box: left, top, right, bottom, class. */
const BOX = 5;

/** Boxes with a lower score are none; of boxes of one class that overlap by more, the surer one stays. */
const LEAST_SCORE = 0.25;
const MOST_OVERLAP = 0.45;

/** Boxes that overlap by at least so much are the same. */
const SAME_OVERLAP = 0.5;

/** Pixels between the cells of a YOLOX grid. */
const STRIDES = [8, 16, 32];

/**
 * The boxes of a detector of the YOLO family, five numbers each: left, top, right, bottom, class. Its output is boxes x (5 + classes): middle,
 * size, score, score of each class. Where there are as many rows as YOLOX has cells, middles count from the cell and sizes are logarithms. Throws
 * BoltqError `unsupported` for outputs of another form.
 */
export function boxesOf(output: DenseTensor, inputShape: readonly number[]): Float32Array {
  const [rows, columns] = output.shape.slice(-2);
  if (output.shape.length < 3 || rows === undefined || columns === undefined || columns < BOX + 1)
    throw noBoxes(output.shape);
  const values = denseValues(output);
  const cells = cellsOf(inputShape);
  const places = cells.length === rows ? cells : undefined;
  const found: Scored[] = [];
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    const [kind, score] = bestClass(values, start, columns);
    if (score < LEAST_SCORE) continue;
    const [x, y, width, height] = [0, 1, 2, 3].map((field) => values[start + field]!) as [
      number,
      number,
      number,
      number,
    ];
    const box = places === undefined ? { x, y, width, height } : decoded({ x, y, width, height }, places[row]!);
    const { x: middleX, y: middleY, width: w, height: h } = box;
    found.push({ score, box: [middleX - w / 2, middleY - h / 2, middleX + w / 2, middleY + h / 2, kind] });
  }
  return Float32Array.from(withoutOverlaps(found).flat());
}

/** How many boxes two lists have in common, each counted once, and how many they have together. */
export function matchedBoxes(
  found: Float32Array,
  right: Float32Array,
): { readonly matched: number; readonly count: number } {
  const [boxes, others] = [listed(found), listed(right)];
  const free = new Set(others);
  let matched = 0;
  for (const box of boxes) {
    const twin = [...free]
      .filter((other) => other[4] === box[4] && overlapOf(box, other) >= SAME_OVERLAP)
      .sort((one, other) => overlapOf(box, other) - overlapOf(box, one))[0];
    if (twin === undefined) continue;
    free.delete(twin);
    matched += 1;
  }
  return { matched, count: boxes.length + others.length };
}

type Box = readonly [left: number, top: number, right: number, bottom: number, kind: number];

interface Scored {
  readonly score: number;
  readonly box: Box;
}

interface Cell {
  readonly x: number;
  readonly y: number;
  readonly stride: number;
}

interface Middle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function cellsOf(inputShape: readonly number[]): Cell[] {
  const [height = 0, width = 0] = inputShape.slice(-2);
  return STRIDES.flatMap((stride) => {
    const [rows, columns] = [Math.floor(height / stride), Math.floor(width / stride)];
    return Array.from({ length: rows * columns }, (_, index) => ({
      x: index % columns,
      y: Math.floor(index / columns),
      stride,
    }));
  });
}

function decoded({ x, y, width, height }: Middle, cell: Cell): Middle {
  const { stride } = cell;
  return {
    x: (x + cell.x) * stride,
    y: (y + cell.y) * stride,
    width: Math.exp(width) * stride,
    height: Math.exp(height) * stride,
  };
}

function bestClass(values: ArrayLike<number>, start: number, columns: number): [kind: number, score: number] {
  let best = BOX;
  for (let column = BOX + 1; column < columns; column++)
    if (values[start + column]! > values[start + best]!) best = column;
  return [best - BOX, values[start + 4]! * values[start + best]!];
}

function withoutOverlaps(found: readonly Scored[]): Box[] {
  const kept: Box[] = [];
  for (const { box } of found.toSorted((one, other) => other.score - one.score)) {
    if (kept.every((other) => other[4] !== box[4] || overlapOf(box, other) <= MOST_OVERLAP)) kept.push(box);
  }
  return kept;
}

/** Area that two boxes share over the area that they cover together (IoU). */
function overlapOf(one: Box, other: Box): number {
  const width = Math.min(one[2], other[2]) - Math.max(one[0], other[0]);
  const height = Math.min(one[3], other[3]) - Math.max(one[1], other[1]);
  if (width <= 0 || height <= 0) return 0;
  const area = ([left, top, right, bottom]: Box) => (right - left) * (bottom - top);
  return (width * height) / (area(one) + area(other) - width * height);
}

function listed(numbers: Float32Array): Box[] {
  return Array.from(
    { length: numbers.length / BOX },
    (_, index) => [...numbers.subarray(index * BOX, (index + 1) * BOX)] as unknown as Box,
  );
}

function noBoxes(shape: readonly number[]): BoltqError {
  return new BoltqError("unsupported", `an output of ${shape.join("x")} is no list of boxes`, {
    remedy: "Give a script of your own with --metric, or keep --metric db",
  });
}
