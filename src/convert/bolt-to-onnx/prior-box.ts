import type { ParameterName } from "../../bolt/parameter-layouts.ts";
import type { OnnxValue } from "../../onnx/model.ts";
import type { RaiseContext, RaiseTable } from "./raise-context.ts";

/** More places than the map of any detector has. */
const MOST_PLACES = 2 ** 16;

/** Default boxes of a single-shot detector: 1 × 2 × 4·boxes, first the corners as shares of the image, then variances. */
function raisePriorBox(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  const [height, width] = context.staticShapeOf(context.input(0)).slice(2) as [number, number];
  const image = context.inputCount > 1 ? context.staticShapeOf(context.input(1)).slice(2) : [];
  if (!(height * width <= MOST_PLACES)) context.fail("format", `it makes boxes for ${height} x ${width} places`);
  const imageHeight = parameters.number("image_h") || (image[0] ?? height);
  const imageWidth = parameters.number("image_w") || (image[1] ?? width);
  const stepHeight = parameters.number("step_h") || imageHeight / height;
  const stepWidth = parameters.number("step_w") || imageWidth / width;
  const offset = parameters.number("offset");
  const limit = parameters.number("clip") === 0 ? (share: number) => share : clamped;
  const sizes = boxSizes(context);
  const corners: number[] = [];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [x, y] = [(column + offset) * stepWidth, (row + offset) * stepHeight];
      for (const [boxWidth, boxHeight] of sizes) {
        const sides = [
          (x - boxWidth / 2) / imageWidth,
          (y - boxHeight / 2) / imageHeight,
          (x + boxWidth / 2) / imageWidth,
          (y + boxHeight / 2) / imageHeight,
        ];
        corners.push(...sides.map(limit));
      }
    }
  }
  const variances = parameters.list("variances");
  const spread = corners.map((_, index) => variances[index % variances.length]!);
  return context.floats("boxes", [...corners, ...spread], [1, 2, corners.length]);
}

/** Width and height of each box at a place: for each least size the square, the one between least and most, the others. */
function boxSizes({ parameters }: RaiseContext): [number, number][] {
  const used = (field: ParameterName) => parameters.list(field).filter((value) => value > 0);
  const [least, most] = [used("min_sizes"), used("max_sizes")];
  const flips = parameters.number("flip") !== 0;
  const ratios = used("aspect_ratios")
    .filter((ratio) => ratio !== 1)
    .flatMap((ratio) => (flips ? [ratio, 1 / ratio] : [ratio]));
  return least.flatMap((size, index): [number, number][] => {
    const between = most[index] === undefined ? [] : [Math.sqrt(size * most[index])];
    return [
      [size, size],
      ...between.map((side): [number, number] => [side, side]),
      ...ratios.map((ratio): [number, number] => [size * Math.sqrt(ratio), size / Math.sqrt(ratio)]),
    ];
  });
}

function clamped(share: number): number {
  return Math.min(Math.max(share, 0), 1);
}

export const PRIOR_BOXES: RaiseTable = { PriorBox: raisePriorBox };
