import { elementCount } from "../../../graph/tensor.ts";
import type { OnnxValue } from "../../../onnx/model.ts";
import { INTERPOLATION_MODES } from "../enumerations.ts";
import type { LayerContext, LayerTable } from "../layer-context.ts";

function flatten(context: LayerContext): OnnxValue {
  const text = context.parameters("flatten_param");
  const shape = context.shape();
  const first = context.axis(text.integer("axis", 1), shape.length);
  const last = context.axis(text.integer("end_axis", -1), shape.length);
  if (last < first) context.fail("format", `its axes ${first} to ${last} are in the wrong order`);
  const merged = elementCount(shape.slice(first, last + 1));
  const result = [...shape.slice(0, first), merged, ...shape.slice(last + 1)];
  if (first === 1 && result.length === 2)
    return context.add("Flatten", [context.input()], { attributes: { axis: 1 }, shape: result });
  return context.reshaped(context.input(), result);
}

/** 0 keeps a size, -1 takes what is left; only `num_axes` axes from `axis` on are replaced. */
function reshape(context: LayerContext): OnnxValue {
  const text = context.parameters("reshape_param");
  const shape = context.shape();
  const from = text.integer("axis", 0);
  const start = from < 0 ? from + shape.length + 1 : from;
  const count = text.integer("num_axes", -1);
  const end = count === -1 ? shape.length : start + count;
  if (start < 0 || end < start || end > shape.length)
    context.fail("format", `it replaces axes ${start} to ${end} of ${shape.length}`);
  const stated = text.message("shape").integers("dim");
  const kept = stated.map((size, index) => (size === 0 ? (shape[start + index] ?? 0) : size));
  const target = [...shape.slice(0, start), ...kept, ...shape.slice(end)];
  const rest = elementCount(shape) / elementCount(target.filter((size) => size !== -1));
  const result = target.map((size) => (size === -1 ? rest : size));
  if (result.some((size) => !Number.isInteger(size) || size < 1) || target.filter((size) => size === -1).length > 1)
    context.fail("format", `${shape.join(" x ")} cannot become ${target.join(" x ")}`);
  return context.reshaped(context.input(), result);
}

/** Axes that are not named follow in order. */
function permute(context: LayerContext): OnnxValue {
  const shape = context.shape();
  const named = context.parameters("permute_param").integers("order");
  const perm = [...named, ...shape.map((_, axis) => axis).filter((axis) => !named.includes(axis))];
  if (perm.length !== shape.length || new Set(perm).size !== shape.length)
    context.fail("format", `[${named.join(", ")}] is no order of ${shape.length} axes`);
  return context.add("Transpose", [context.input()], { attributes: { perm }, shape: perm.map((axis) => shape[axis]!) });
}

function concat(context: LayerContext): OnnxValue {
  const text = context.parameters("concat_param");
  const shapes = context.inputs.map((_, index) => context.shape(index));
  const axis = context.axis(text.integer("axis", text.integer("concat_dim", 1)), context.shape().length);
  const outer = (shape: readonly number[]) => shape.toSpliced(axis, 1).join(" x ");
  if (shapes.some((shape) => outer(shape) !== outer(shapes[0]!) || shape.length !== shapes[0]!.length))
    context.fail("format", "its bottoms differ on another axis than that of the concatenation");
  const size = shapes.reduce((sum, shape) => sum + shape[axis]!, 0);
  return context.add("Concat", context.inputs, { attributes: { axis }, shape: shapes[0]!.with(axis, size) });
}

function slice(context: LayerContext): readonly OnnxValue[] {
  const text = context.parameters("slice_param");
  const shape = context.shape();
  const axis = context.axis(text.integer("axis", text.integer("slice_dim", 1)), shape.length);
  const parts = context.layer.tops.length;
  const stated = text.integers("slice_point");
  const even = shape[axis]! / parts;
  const points = stated.length > 0 ? stated : Array.from({ length: parts - 1 }, (_, index) => even * (index + 1));
  const bounds = [0, ...points, shape[axis]!];
  const sizes = bounds.slice(1).map((bound, index) => bound - bounds[index]!);
  if (sizes.length !== parts || sizes.some((size) => size < 1 || !Number.isInteger(size)))
    context.fail("format", `${shape[axis]} cannot be cut at ${points.join(", ")} into ${parts} tops`);
  return context.builder.addMany("Split", [context.input(), context.integers("sizes", sizes)], {
    name: context.layer.name,
    attributes: { axis },
    outputs: sizes.map((size) => ({ type: "float32", shape: shape.with(axis, size) })),
  });
}

/** The first bottom cut to the sizes of the second, from `axis` on. */
function crop(context: LayerContext): OnnxValue {
  const text = context.parameters("crop_param");
  const [shape, like] = [context.shape(), context.shape(1)];
  const first = context.axis(text.integer("axis", 2), shape.length);
  const offsets = text.integers("offset");
  const axes = shape.flatMap((_, axis) => (axis < first ? [] : [axis]));
  const starts = axes.map((_, index) => (offsets.length === 1 ? offsets[0]! : (offsets[index] ?? 0)));
  const ends = axes.map((axis, index) => starts[index]! + like[axis]!);
  if (like.length !== shape.length || axes.some((axis, index) => starts[index]! < 0 || ends[index]! > shape[axis]!))
    context.fail("format", `${shape.join(" x ")} cannot be cropped to ${like.join(" x ")} there`);
  return sliced(context, context.input(), axes, starts, ends);
}

function sliced(
  context: LayerContext,
  value: OnnxValue,
  axes: readonly number[],
  starts: readonly number[],
  ends: readonly number[],
  suffix?: string,
): OnnxValue {
  const inputs = [
    value,
    context.integers("starts", starts),
    context.integers("ends", ends),
    context.integers("axes", axes),
  ];
  const shape = [...context.shapeOf(value)];
  axes.forEach((axis, index) => {
    shape[axis] = ends[index]! - starts[index]!;
  });
  return context.add("Slice", inputs, { shape, suffix });
}

function tile(context: LayerContext): OnnxValue {
  const text = context.parameters("tile_param");
  const shape = context.shape();
  const axis = context.axis(text.integer("axis", 1), shape.length);
  const tiles = text.integer("tiles", 0);
  if (tiles < 1) context.fail("format", "tiles must be at least 1");
  const repeats = shape.map((_, index) => (index === axis ? tiles : 1));
  return context.add("Tile", [context.input(), context.integers("repeats", repeats)], {
    shape: shape.with(axis, shape[axis]! * tiles),
  });
}

/** Bolt's own layer: zeros above, below, left and right of the map. */
function pad(context: LayerContext): OnnxValue {
  const stated = context.parameters("padding_param").integers("shape");
  const [batch, channels, height, width] = context.shape() as [number, number, number, number];
  if (stated.length !== 4 || stated.some((size) => size < 0) || width === undefined)
    context.fail("format", "padding_param needs four sizes (top, bottom, left, right) and a map");
  const [top, bottom, left, right] = stated as [number, number, number, number];
  return context.add("Pad", [context.input(), context.integers("pads", [0, 0, top, left, 0, 0, bottom, right])], {
    shape: [batch, channels, top + height + bottom, left + width + right],
  });
}

function squeeze(context: LayerContext): OnnxValue {
  const shape = context.shape();
  const axis = context.axis(context.parameters("squeeze_param").integer("axis", 0), shape.length);
  return context.reshaped(context.input(), shape.toSpliced(axis, 1));
}

function unsqueeze(context: LayerContext): OnnxValue {
  const shape = context.shape();
  const axis = context.axis(context.parameters("unsqueeze_param").integer("axis", 0), shape.length + 1);
  return context.reshaped(context.input(), shape.toSpliced(axis, 0, 1));
}

/** Channels dealt out again: groups and places within them change roles. */
function shuffleChannel(context: LayerContext): OnnxValue {
  const [batch, channels, ...spatial] = context.shape() as [number, number, ...number[]];
  const group = context.parameters("shuffle_channel_param").integer("group", 1);
  if (group < 1 || channels % group !== 0)
    context.fail("format", `${channels} channels cannot be dealt into ${group} groups`);
  const split = context.reshaped(context.input(), [batch, group, channels / group, ...spatial], "split");
  const perm = [0, 2, 1, ...spatial.map((_, index) => index + 3)];
  const dealt = context.add("Transpose", [split], {
    suffix: "dealt",
    attributes: { perm },
    shape: [batch, channels / group, group, ...spatial],
  });
  return context.reshaped(dealt, context.shape());
}

/** A negative border is cut off first. */
function interp(context: LayerContext): OnnxValue {
  const text = context.parameters("interp_param");
  const [height, width] = context.shape().slice(2) as [number, number];
  const [begin, end] = [text.integer("pad_beg", 0), text.integer("pad_end", 0)];
  if (context.shape().length !== 4) context.fail("format", "it wants a map of four dimensions");
  if (begin > 0 || end > 0) context.fail("unsupported", "a border that is added before resizing cannot be converted");
  const cut = [height + begin + end, width + begin + end];
  if (cut.some((size) => size < 1)) context.fail("format", "its border leaves nothing of the map");
  const input =
    begin + end === 0
      ? context.input()
      : sliced(context, context.input(), [2, 3], [-begin, -begin], [height + end, width + end], "cut");
  return resized(context, input, interpSizes(context, cut), "linear");
}

function interpSizes(context: LayerContext, map: readonly number[]): readonly number[] {
  const text = context.parameters("interp_param");
  const [zoom, shrink] = [text.float("zoom_factor", 1), text.integer("shrink_factor", 1)];
  const [height, width] = [text.integer("height", 0), text.integer("width", 0)];
  if (zoom < 1 || shrink < 1) context.fail("format", "zoom_factor and shrink_factor must be at least 1");
  if (text.has("zoom_factor") || text.has("shrink_factor")) {
    const shrunk = map.map((size) => Math.floor((size - 1) / shrink) + 1);
    return shrunk.map((size) => Math.trunc(size + (size - 1) * (zoom - 1)));
  }
  if (height > 0 && width > 0) return [height, width];
  return context.inputs.length > 1 ? context.shape(1).slice(2) : map;
}

const INTERPOLATIONS = { LINEAR: "linear", NEAREST: "nearest", CUBIC: "cubic" };

/** Bolt's own layer. */
function resize(context: LayerContext): OnnxValue {
  const text = context.parameters("resize_param");
  const [height, width] = context.shape().slice(2) as [number, number];
  const sizes = [
    text.integer("height", 0) || height * text.integer("height_scale", 1),
    text.integer("width", 0) || width * text.integer("width_scale", 1),
  ];
  const mode = context.chosen(INTERPOLATIONS, text.word("interp_mode", "LINEAR", INTERPOLATION_MODES), "interp_mode");
  return resized(context, context.input(), sizes, mode);
}

/** Corners stay corners. */
function resized(context: LayerContext, input: OnnxValue, sizes: readonly number[], mode: string): OnnxValue {
  const shape = [...context.shapeOf(input).slice(0, 2), ...sizes];
  return context.add("Resize", [input, undefined, undefined, context.integers("sizes", shape)], {
    attributes: { mode, coordinate_transformation_mode: "align_corners", nearest_mode: "floor" },
    shape,
  });
}

export const SHAPES: LayerTable = {
  Flatten: flatten,
  Reshape: reshape,
  Permute: permute,
  Concat: concat,
  Slice: slice,
  Crop: crop,
  Tile: tile,
  Pad: pad,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  ShuffleChannel: shuffleChannel,
  Interp: interp,
  Resize: resize,
};
