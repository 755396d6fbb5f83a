import type { OnnxValue } from "../../../onnx/model.ts";
import type { LayerContext, LayerTable } from "../layer-context.ts";

/** Far above what any detector has. */
const MOST_BOXES = 4e6;

/** Ratios nearer than this are one. */
const SAME_RATIO = 1e-6;

/**
 * Default boxes of a single-shot detector: 1 × 2 × 4·boxes, first the corners as shares of the image, then the variances.
 * They follow from sizes alone, so they become a constant.
 */
function priorBox(context: LayerContext): OnnxValue {
  const text = context.parameters("prior_box_param");
  const [height, width] = context.shape().slice(2) as [number, number];
  const [imageHeight, imageWidth] = imageSize(context);
  const step = text.float("step", 0);
  const stepHeight = text.float("step_h", step) || imageHeight / height;
  const stepWidth = text.float("step_w", step) || imageWidth / width;
  const offset = text.float("offset", 0.5);
  const sizes = boxSizes(context);
  const count = height * width * sizes.length;
  if (!(count > 0 && count <= MOST_BOXES)) context.fail("format", `it makes ${count} boxes`);
  const clip = text.flag("clip", false);
  const numbers = new Float32Array(8 * count);
  let place = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [x, y] = [(column + offset) * stepWidth, (row + offset) * stepHeight];
      for (const [boxWidth, boxHeight] of sizes) {
        numbers[place++] = (x - boxWidth / 2) / imageWidth;
        numbers[place++] = (y - boxHeight / 2) / imageHeight;
        numbers[place++] = (x + boxWidth / 2) / imageWidth;
        numbers[place++] = (y + boxHeight / 2) / imageHeight;
      }
    }
  }
  if (clip) for (let index = 0; index < place; index++) numbers[index] = Math.min(Math.max(numbers[index]!, 0), 1);
  const variances = variancesOf(context);
  for (let index = 0; index < place; index++) numbers[place + index] = variances[index % 4]!;
  return context.floats("boxes", numbers, [1, 2, 4 * count]);
}

/** Stated, or that of the second bottom. */
function imageSize(context: LayerContext): readonly [number, number] {
  const text = context.parameters("prior_box_param");
  const size = text.integer("img_size", 0);
  const [height, width] = [text.integer("img_h", size), text.integer("img_w", size)];
  if (height > 0 && width > 0) return [height, width];
  return context.shape(1).slice(2) as [number, number];
}

function variancesOf(context: LayerContext): readonly number[] {
  const stated = context.parameters("prior_box_param").floats("variance");
  if (stated.length === 4) return stated;
  if (stated.length > 1) context.fail("format", `it has ${stated.length} variances, not 1 or 4`);
  return new Array<number>(4).fill(stated[0] ?? 0.1);
}

/** Width and height of each box at a place: for each least size the square, the one between least and most, the others. */
function boxSizes(context: LayerContext): [number, number][] {
  const text = context.parameters("prior_box_param");
  const [least, most] = [text.floats("min_size"), text.floats("max_size")];
  const flips = text.flag("flip", true);
  if (least.length === 0 || (most.length > 0 && most.length !== least.length))
    context.fail("format", `it has ${least.length} least and ${most.length} largest sizes`);
  const ratios: number[] = [1];
  for (const ratio of text.floats("aspect_ratio")) {
    if (!(ratio > 0)) context.fail("format", `an aspect ratio of ${ratio} is not possible`);
    if (ratios.some((known) => Math.abs(known - ratio) < SAME_RATIO)) continue;
    ratios.push(ratio);
    if (flips) ratios.push(1 / ratio);
  }
  return least.flatMap((size, index): [number, number][] => {
    const largest = most[index];
    const between = largest === undefined ? [] : [Math.sqrt(size * largest)];
    return [
      [size, size],
      ...between.map((side): [number, number] => [side, side]),
      ...ratios.slice(1).map((ratio): [number, number] => [size * Math.sqrt(ratio), size / Math.sqrt(ratio)]),
    ];
  });
}

export const PRIOR_BOXES: LayerTable = { PriorBox: priorBox };
