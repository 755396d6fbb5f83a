import type { OnnxValue } from "../../onnx/model.ts";
import type { RaiseContext, RaiseTable } from "./raise-context.ts";
import { reshaped, sliced, transposed } from "./shape-operators.ts";

/** Columns of a row of the result: label, score, corners. */
const COLUMNS = 6;

/**
 * The detections of a single-shot detector, best first: a row with their number, then one row each, then zeros, 1 +
 * keep_top_k rows in all. Inputs are box offsets, class scores and default boxes (see PriorBox); class 0 is background.
 */
function raiseDetectionOutput(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  const [offsets, confidences, priors] = [context.input(0), context.input(1), context.input(2)];
  const boxes = (context.staticShapeOf(priors)[2] ?? 0) / 4;
  const classes = parameters.number("num_class");
  const corners = decodedBoxes(context, reshaped(context, offsets, [boxes, 4], "offsets"), priors, boxes);
  const byBox = reshaped(context, confidences, [boxes, classes], "byBox");
  const byClass = transposed(context, byBox, [1, 0], "byClass");
  const scores = sliced(context, byClass, [{ axis: 0, start: 1, end: classes, step: 1 }], "foreground");
  const chosen = chosenBoxes(context, corners, bestScores(context, scores, boxes), boxes, classes - 1);
  return padded(context, bestRows(context, rowsOf(context, chosen, scores, corners)));
}

/** Corners from the offsets to the default boxes, in units of the variances. */
function decodedBoxes(context: RaiseContext, offsets: OnnxValue, priors: OnnxValue, boxes: number): OnnxValue {
  const part = (row: number, suffix: string) =>
    reshaped(
      context,
      sliced(context, priors, [{ axis: 1, start: row, end: row + 1, step: 1 }], suffix),
      [boxes, 4],
      `${suffix}Boxes`,
    );
  const columns = (value: OnnxValue, start: number, suffix: string) =>
    sliced(context, value, [{ axis: 1, start, end: start + 2, step: 1 }], suffix);
  const binary = (type: string, left: OnnxValue, right: OnnxValue, suffix: string) =>
    context.add(type, [left, right], { suffix });
  const defaults = part(0, "priors");
  const shifts = binary("Mul", offsets, part(1, "variances"), "shifts");
  const [low, high] = [columns(defaults, 0, "low"), columns(defaults, 2, "high")];
  const half = context.scalar("half", 0.5);
  const size = binary("Sub", high, low, "size");
  const centre = binary("Mul", binary("Add", low, high, "corners"), half, "centre");
  const moved = binary("Add", binary("Mul", columns(shifts, 0, "shift"), size, "move"), centre, "moved");
  const growth = context.add("Exp", [columns(shifts, 2, "growth")], { suffix: "factor" });
  const reach = binary("Mul", binary("Mul", growth, size, "grown"), half, "reach");
  return context.add("Concat", [binary("Sub", moved, reach, "from"), binary("Add", moved, reach, "to")], {
    suffix: "boxes",
    attributes: { axis: 1 },
  });
}

/** Only the `nms_top_k` best scores of a class may be chosen; the others fall below every threshold. */
function bestScores(context: RaiseContext, scores: OnnxValue, boxes: number): OnnxValue {
  const most = context.parameters.number("nms_top_k");
  if (most >= boxes || most === 0) return scores;
  const [best] = context.builder.addMany("TopK", [scores, context.integers("most", [most])], {
    name: `${context.name}/best`,
    attributes: { axis: 1 },
    outputs: 2,
  });
  const least = sliced(context, best!, [{ axis: 1, start: most - 1, end: most, step: 1 }], "least");
  const kept = context.add("GreaterOrEqual", [scores, least], { suffix: "kept" });
  return context.add("Where", [kept, scores, context.scalar("never", -1)], { suffix: "candidates" });
}

/** Class and box of each detection, n × 2. */
function chosenBoxes(
  context: RaiseContext,
  corners: OnnxValue,
  scores: OnnxValue,
  boxes: number,
  classes: number,
): OnnxValue {
  const { parameters } = context;
  const found = context.add(
    "NonMaxSuppression",
    [
      reshaped(context, corners, [1, boxes, 4], "batchBoxes"),
      reshaped(context, scores, [1, classes, boxes], "batchScores"),
      context.integers("mostBoxes", [boxes]),
      context.floats("overlap", [parameters.number("nms_threshold")]),
      context.floats("confidence", [parameters.number("confidence_threshold")]),
    ],
    { suffix: "found" },
  );
  return sliced(context, found, [{ axis: 1, start: 1, end: 3, step: 1 }], "chosen");
}

/** Label, score and corners of each detection, n × 6. */
function rowsOf(context: RaiseContext, chosen: OnnxValue, scores: OnnxValue, corners: OnnxValue): OnnxValue {
  const column = (start: number, suffix: string) =>
    sliced(context, chosen, [{ axis: 1, start, end: start + 1, step: 1 }], suffix);
  const label = context.add("Add", [context.cast(column(0, "class"), "float32", "label"), context.scalar("one", 1)], {
    suffix: "labels",
  });
  const score = context.add("GatherND", [scores, chosen], { suffix: "score" });
  const places = reshaped(context, column(1, "box"), [-1], "places");
  const box = context.add("Gather", [corners, places], { suffix: "corner", attributes: { axis: 0 } });
  return context.add("Concat", [label, reshaped(context, score, [-1, 1], "scores"), box], {
    suffix: "rows",
    attributes: { axis: 1 },
  });
}

/** The `keep_top_k` rows of the largest scores, best first. */
function bestRows(context: RaiseContext, rows: OnnxValue): OnnxValue {
  const count = context.add("Shape", [rows], { suffix: "count", attributes: { end: 1 } });
  const limit = context.integers("keep", [context.parameters.number("keep_top_k")]);
  const kept = context.add("Min", [count, limit], { suffix: "keptCount" });
  const scores = reshaped(
    context,
    sliced(context, rows, [{ axis: 1, start: 1, end: 2, step: 1 }], "ranks"),
    [-1],
    "rank",
  );
  const [, order] = context.builder.addMany("TopK", [scores, kept], {
    name: `${context.name}/order`,
    attributes: { axis: 0 },
    outputs: 2,
  });
  return context.add("Gather", [rows, order!], { suffix: "sorted", attributes: { axis: 0 } });
}

/** The row with the number before, zeros behind. */
function padded(context: RaiseContext, rows: OnnxValue): OnnxValue {
  const most = context.parameters.number("keep_top_k");
  if (most > MOST_ROWS) context.fail("format", `it keeps ${most} detections`);
  const count = context.add("Shape", [rows], { suffix: "rowCount", attributes: { end: 1 } });
  const number = reshaped(context, context.cast(count, "float32", "number"), [1, 1], "numberCell");
  const first = context.add("Concat", [number, context.floats("rest", [0, 0, 0, 0, 0], [1, COLUMNS - 1])], {
    suffix: "first",
    attributes: { axis: 1 },
  });
  const zeros = context.floats("zeros", new Float32Array(most * COLUMNS), [most, COLUMNS]);
  const all = context.add("Concat", [first, rows, zeros], { suffix: "all", attributes: { axis: 0 } });
  const whole = sliced(context, all, [{ axis: 0, start: 0, end: most + 1, step: 1 }], "whole");
  return reshaped(context, whole, [most + 1, COLUMNS], "table");
}

/** Far above what any detector keeps. */
const MOST_ROWS = 1e6;

export const DETECTION_OUTPUTS: RaiseTable = { DetectionOutput: raiseDetectionOutput };
