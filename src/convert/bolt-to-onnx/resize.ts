import type { Dimension } from "../../graph/tensor.ts";
import type { OnnxValue } from "../../onnx/model.ts";
import type { RaiseContext, RaiseTable } from "./raise-context.ts";

const MODES: Readonly<Record<string, string>> = { LINEAR: "linear", NEAREST: "nearest", CUBIC: "cubic" };

const COORDINATES: Readonly<Record<string, string>> = {
  ALIGN_CORNERS: "align_corners",
  HALF_PIXEL: "half_pixel",
  PYTORCH_HALF_PIXEL: "pytorch_half_pixel",
  ASYMMETRIC: "asymmetric",
};

const NEAREST: Readonly<Record<string, string>> = {
  PREFER_FLOOR: "round_prefer_floor",
  PREFER_CEIL: "round_prefer_ceil",
  FLOOR: "floor",
  CEIL: "ceil",
};

/** Sizes are computed as Bolt does; the ratio of a pixel's place is that of the sizes. */
function raiseResize(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  const input = context.input();
  const shape = context.staticShapeOf(input);
  const spatial = sizesOf(context, shape.slice(2));
  const sizes = [...shape.slice(0, 2), ...spatial];
  const coordinates = parameters.name("trans_mode");
  return context.add("Resize", [input, undefined, undefined, context.integers("sizes", sizes)], {
    attributes: {
      mode: MODES[parameters.name("mode")]!,
      coordinate_transformation_mode:
        COORDINATES[coordinates] ?? context.fail("unsupported", `the coordinates ${coordinates} cannot be run`),
      nearest_mode: NEAREST[parameters.name("round_mode")] ?? "round_prefer_floor",
    },
  });
}

function sizesOf(context: RaiseContext, spatial: readonly number[]): number[] {
  const { parameters } = context;
  const zoom = parameters.has("zoom_factor") ? parameters.number("zoom_factor") : 0;
  if (zoom > 0) {
    const padding = parameters.number("pad_begin") + parameters.number("pad_end");
    return spatial.map((size) => Math.trunc(size + padding + (size + padding - 1) * (zoom - 1)));
  }
  const sizes = parameters.counted("sizes", "num_sizes");
  if (sizes.length > 0) return spatial.map((size, axis) => sizes[axis] ?? size);
  const scales = parameters.counted("scales", "num_scales").slice(2);
  if (scales.length === 0 || scales.some((scale) => scale <= 0))
    context.fail("unsupported", "its size is computed while it runs");
  return spatial.map((size, axis) => Math.trunc(Math.fround(size * (scales[axis] ?? 1))));
}

const PADDINGS: Readonly<Record<string, string>> = { CONSTANT: "zeros", EDGE: "border", REFLECT: "reflection" };

function raiseGridSample(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  const mode = parameters.name("mode");
  return context.add("GridSample", [context.input(0), context.input(1)], {
    attributes: {
      mode: mode === "LINEAR" ? "bilinear" : mode === "CUBIC" ? "bicubic" : "nearest",
      padding_mode: PADDINGS[parameters.name("pad_mode")] ?? "zeros",
      align_corners: parameters.number("align_corners"),
    },
  });
}

/**
 * Bolt's engine shifts regions by no half pixel, whatever the operator says; its converter says "half pixel" of every
 * model, also of those that mean it so (before opset 16).
 */
function raiseRoiAlign(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  const [input, regions] = [context.input(0), context.input(1)];
  const count = context.shapeOf(regions)[0];
  const batch = context.inputCount > 2 ? context.cast(context.input(2), "int64", "batch") : firstImage(context, count);
  return context.add("RoiAlign", [input, regions, batch], {
    attributes: {
      mode: parameters.name("mode") === "MAX" ? "max" : "avg",
      coordinate_transformation_mode: "output_half_pixel",
      output_height: parameters.number("output_h"),
      output_width: parameters.number("output_w"),
      sampling_ratio: parameters.number("sampling_ratio"),
      spatial_scale: { float: parameters.number("spatial_scale") },
    },
  });
}

/** Without an input that says so, every region lies in the first image. */
function firstImage(context: RaiseContext, count: Dimension): OnnxValue {
  const known = typeof count === "number" ? count : context.fail("unsupported", "the number of its regions is unknown");
  return context.add("Expand", [context.integers("first", [0]), context.integers("count", [known])]);
}

export const RESIZE_OPERATORS: RaiseTable = {
  Resize: raiseResize,
  GridSample: raiseGridSample,
  RoIAlign: raiseRoiAlign,
};
