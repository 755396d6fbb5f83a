import { type ElementType, elementCount } from "../../../graph/tensor.ts";
import type { OnnxValue } from "../../../onnx/model.ts";
import { encodedTensor } from "../../../onnx/tensor-data.ts";
import {
  broadcast,
  gathered,
  gatheredNd,
  inBlocks,
  inShape,
  joined,
  packed,
  padded,
  type Resizing,
  resized,
  tiled,
  transposed,
} from "../../channels-last/movement.ts";
import { evenSizes, sliced, split, stridedSlice, unpacked } from "../../channels-last/slicing.ts";
import type { ConvertOperator, OperatorContext, OperatorTable } from "../operator-context.ts";

const reshape: ConvertOperator = async (context) =>
  inShape(context, context.input(), await context.constantIntegers(1));

/** Without axes, all of size 1 go. */
const squeeze: ConvertOperator = (context) => {
  const shape = context.lastShape();
  const stated = context.list("squeeze_dims").length > 0 ? context.list("squeeze_dims") : context.list("axis");
  const axes = stated.map((axis) => context.place(axis, shape.length));
  const wrong = axes.find((axis) => shape[axis] !== 1);
  if (wrong !== undefined) context.fail("format", `axis ${wrong} has ${shape[wrong]} places, not 1`);
  const isLeft = (size: number, axis: number) => (axes.length === 0 ? size !== 1 : !axes.includes(axis));
  return inShape(context, context.input(), shape.filter(isLeft));
};

const expandDimensions: ConvertOperator = async (context) => {
  const shape = context.lastShape();
  const axis = context.place(await context.constantInteger(1), shape.length + 1);
  return inShape(context, context.input(), shape.toSpliced(axis, 0, 1));
};

/** The axis is the last input, or in the older operator the first. */
const concatenation: ConvertOperator = async (context) => {
  const isOld = context.node.type === "Concat";
  const axis = await context.constantInteger(isOld ? 0 : context.inputs.length - 1);
  const parts = isOld ? context.inputs.slice(1) : context.inputs.slice(0, -1);
  if (parts.length === 0) context.fail("format", "it joins nothing");
  return joined(context, parts, axis);
};

const pack: ConvertOperator = (context) => {
  context.input();
  return packed(context, context.inputs, context.integer("axis", 0));
};

const unpack: ConvertOperator = (context) => {
  const shape = context.lastShape();
  const axis = context.place(context.integer("axis", 0), shape.length);
  return unpacked(context, context.input(), axis, shape[axis]!);
};

/** The axis is the first input, the value the second. */
const splitEvenly: ConvertOperator = async (context) => {
  const [axis, value] = [await context.constantInteger(0), context.input(1)];
  return split(context, value, axis, evenSizes(context, value, axis, context.integer("num_split", 1)));
};

const splitBySizes: ConvertOperator = async (context) => {
  const axis = await context.constantInteger(2);
  const shape = context.lastShape();
  const stated = await context.constantIntegers(1);
  const rest = shape[context.place(axis, shape.length)]! - stated.reduce((sum, size) => sum + Math.max(0, size), 0);
  return split(
    context,
    context.input(),
    axis,
    stated.map((size) => (size < 0 ? rest : size)),
  );
};

const transpose: ConvertOperator = async (context) =>
  transposed(context, context.input(), await context.constantIntegers(1));

const pad: ConvertOperator = async (context) => {
  const value = context.node.type === "PadV2" ? context.input(2) : undefined;
  return padded(context, context.input(), await context.constantIntegers(1), { value });
};

const mirrorPad: ConvertOperator = async (context) => {
  if (context.text("mode") !== "REFLECT") context.fail("unsupported", "symmetric mirroring cannot be converted");
  return padded(context, context.input(), await context.constantIntegers(1), { mode: "reflect" });
};

const slice: ConvertOperator = async (context) => {
  const shape = context.lastShape();
  const [begin, size] = [await context.constantIntegers(1), await context.constantIntegers(2)];
  const ends = size.map((length, axis) => (length < 0 ? shape[axis]! : begin[axis]! + length));
  return sliced(context, context.input(), begin, ends);
};

const strided: ConvertOperator = async (context) =>
  stridedSlice(context, context.input(), {
    begin: await context.constantIntegers(1),
    end: await context.constantIntegers(2),
    strides: await context.constantIntegers(3),
    beginMask: context.integer("begin_mask", 0),
    endMask: context.integer("end_mask", 0),
    ellipsisMask: context.integer("ellipsis_mask", 0),
    newAxisMask: context.integer("new_axis_mask", 0),
    shrinkMask: context.integer("shrink_axis_mask", 0),
  });

const tile: ConvertOperator = async (context) => tiled(context, context.input(), await context.constantIntegers(1));

const gather: ConvertOperator = async (context) => {
  if (context.integer("batch_dims", 0) !== 0) context.fail("unsupported", "batch dimensions cannot be converted");
  const axis = context.node.type === "GatherV2" ? await context.constantInteger(2) : 0;
  return gathered(context, context.input(), context.input(1), axis);
};

/** A list of whole numbers that follows from sizes. */
function sizes(context: OperatorContext, suffix: string, list: readonly number[], shape = [list.length]): OnnxValue {
  const type: ElementType = context.attribute("out_type")?.type === "int64" ? "int64" : "int32";
  return context.builder.constant(`${context.name}/${suffix}`, encodedTensor(type, shape, list));
}

const shapeOf: ConvertOperator = (context) =>
  context.inputs.map((input, index) => sizes(context, `shape${index}`, context.lastShapeOf(input)));

const sizeOf: ConvertOperator = (context) => sizes(context, "size", [elementCount(context.lastShape())], []);

const rankOf: ConvertOperator = (context) => sizes(context, "rank", [context.lastShape().length], []);

const broadcastTo: ConvertOperator = async (context) =>
  broadcast(context, context.input(), await context.constantIntegers(1));

/** Sizes come first, then the value. */
const fill: ConvertOperator = async (context) =>
  broadcast(context, context.input(1), await context.constantIntegers(0));

const filledLike =
  (value: number): ConvertOperator =>
  (context) => {
    const scalar = encodedTensor(context.typeOf(context.input()), [], [value]);
    return broadcast(context, context.builder.constant(`${context.name}/value`, scalar), context.lastShape());
  };

/** Most numbers that a range may have; it is a constant. */
const MOST_RANGE = 2 ** 20;

const range: ConvertOperator = async (context) => {
  const lists = [await context.knownNumbers(0), await context.knownNumbers(1), await context.knownNumbers(2)];
  const [start, limit, step] = lists.map((list) => list?.[0]);
  if (start === undefined || limit === undefined || !step)
    return context.fail("unsupported", "a range that is computed while the network runs cannot be converted");
  const count = Math.max(0, Math.ceil((limit - start) / step));
  if (count > MOST_RANGE) context.fail("limit", `a range of ${count} numbers is too long`);
  const values = Array.from({ length: count }, (_, index) => start + index * step);
  const tensor = encodedTensor(context.typeOf(context.input()), [count], values);
  return context.builder.constant(`${context.name}/range`, tensor);
};

const CAST_TYPES: ReadonlySet<ElementType> = new Set<ElementType>([
  ...(["float32", "float64", "float16", "int8", "uint8", "int16", "uint16", "int32", "int64", "bool"] as const),
]);

const cast: ConvertOperator = (context) => {
  const type = context.type("DstT");
  if (!CAST_TYPES.has(type)) context.fail("unsupported", `a conversion to ${type} cannot be converted`);
  if (context.typeOf(context.input()) === type) return context.input();
  const { values, result } = context.view([context.input()]);
  return result(context.cast(values[0]!, type, "cast"));
};

const blocks =
  (type: string): ConvertOperator =>
  (context) =>
    context.fromMap(inBlocks(context, type, context.map(), context.integer("block_size", 0)));

const resize =
  (mode: Resizing["mode"]): ConvertOperator =>
  async (context) =>
    resized(context, context.input(), await context.constantIntegers(1), {
      mode,
      corners: context.flag("align_corners"),
      centres: context.flag("half_pixel_centers"),
    });

const oneHot: ConvertOperator = async (context) => {
  const shape = context.lastShape();
  const stated = context.integer("axis", -1);
  const axis = stated === -1 ? shape.length : context.place(stated, shape.length + 1);
  const depth = await context.constantInteger(1);
  const values = joined(
    context,
    [3, 2].map((index) => context.reshaped(context.input(index), [1], `value${index}`)),
    0,
  );
  const places = context.cast(context.last(context.input()), "int64", "places");
  const inputs = [places, context.integers("depth", [depth]), values];
  const options = { suffix: "hot", attributes: { axis }, shape: shape.toSpliced(axis, 0, depth) };
  return context.first(context.add("OneHot", inputs, { ...options, type: context.typeOf(context.input(2)) }));
};

/** Axes turned round, each by a slice with steps of -1. */
const reverse: ConvertOperator = async (context) => {
  const shape = context.lastShape();
  const axes = (await context.constantIntegers(1)).map((axis) => context.place(axis, shape.length));
  const chosen = (there: number, elsewhere: (axis: number) => number) =>
    shape.map((_, axis) => (axes.includes(axis) ? there : elsewhere(axis)));
  return sliced(
    context,
    context.input(),
    chosen(-1, () => 0),
    chosen(-(2 ** 31) + 1, (axis) => shape[axis]!),
    chosen(-1, () => 1),
  );
};

/** Blocks of places become further examples: what a dilated convolution is made of. */
const spaceToBatch: ConvertOperator = async (context) => {
  const map = context.input();
  const [block, paddings] = [await context.constantIntegers(1), await context.constantIntegers(2)];
  const rank = checkBlocks(context, block, paddings);
  const rest = new Array<number>(2 * (rank - 1 - block.length)).fill(0);
  const wider = context.last(padded(context, map, [0, 0, ...paddings, ...rest]), "wider");
  const [batch, ...sizes] = context.shapeOf(wider) as [number, ...number[]];
  const behind = sizes.slice(block.length);
  const counts = block.map((size, axis) => sizes[axis]! / size);
  if (!counts.every(Number.isInteger)) context.fail("format", "its input is no multiple of its block");
  const split = context.reshaped(
    wider,
    [batch, ...block.flatMap((size, axis) => [counts[axis]!, size]), ...behind],
    "split",
  );
  const perm = [...block.map((_, axis) => 2 + 2 * axis), 0, ...block.map((_, axis) => 1 + 2 * axis)];
  const dealt = context.moved(split, [...perm, ...behind.map((_, axis) => perm.length + axis)], "dealt");
  const value = context.first(context.reshaped(dealt, [batch * elementCount(block), ...counts, ...behind]));
  if (rank === 4 && block.length === 2) context.rewritable.dealt.set(value, { map, block, paddings });
  return value;
};

const batchToSpace: ConvertOperator = async (context) => {
  const value = context.input();
  const [block, crops] = [await context.constantIntegers(1), await context.constantIntegers(2)];
  checkBlocks(context, block, crops);
  const dilated = context.rewritable.dilated.get(value)?.(block, crops);
  if (dilated !== undefined) return dilated;
  const [batch, ...sizes] = context.lastShape() as [number, ...number[]];
  const [counts, behind] = [sizes.slice(0, block.length), sizes.slice(block.length)];
  const examples = batch / elementCount(block);
  if (!Number.isInteger(examples)) context.fail("format", "its batch is no multiple of its block");
  const split = context.reshaped(context.last(value), [...block, examples, ...sizes], "split");
  const axes = block.flatMap((_, axis) => [block.length + 1 + axis, axis]);
  const perm = [block.length, ...axes, ...behind.map((_, axis) => 2 * block.length + 1 + axis)];
  const whole = counts.map((count, axis) => count * block[axis]!);
  const joined = context.reshaped(context.moved(split, perm, "dealt"), [examples, ...whole, ...behind]);
  const starts = [0, ...block.map((_, axis) => crops[2 * axis]!), ...behind.map(() => 0)];
  const ends = [examples, ...whole.map((size, axis) => size - crops[2 * axis + 1]!), ...behind];
  return sliced(context, context.first(joined), starts, ends);
};

/** Returns the number of axes of the input. */
function checkBlocks(context: OperatorContext, block: readonly number[], edges: readonly number[]): number {
  const rank = context.lastShape().length;
  const fits = block.length > 0 && block.length < rank && edges.length === 2 * block.length;
  if (!fits || block.some((size) => size < 1) || edges.some((size) => size < 0))
    context.fail("format", `blocks of ${block.join(" x ")} do not fit its input`);
  return rank;
}

export const SHAPES: OperatorTable = {
  Reshape: reshape,
  Squeeze: squeeze,
  ExpandDims: expandDimensions,
  Concat: concatenation,
  ConcatV2: concatenation,
  Pack: pack,
  Unpack: unpack,
  Split: splitEvenly,
  SplitV: splitBySizes,
  Transpose: transpose,
  Pad: pad,
  PadV2: pad,
  MirrorPad: mirrorPad,
  Slice: slice,
  StridedSlice: strided,
  Tile: tile,
  Gather: gather,
  GatherV2: gather,
  GatherNd: (context) => gatheredNd(context, context.input(), context.input(1)),
  Shape: shapeOf,
  ShapeN: shapeOf,
  Size: sizeOf,
  Rank: rankOf,
  BroadcastTo: broadcastTo,
  Fill: fill,
  ZerosLike: filledLike(0),
  OnesLike: filledLike(1),
  Range: range,
  Cast: cast,
  DepthToSpace: blocks("DepthToSpace"),
  SpaceToDepth: blocks("SpaceToDepth"),
  ResizeBilinear: resize("linear"),
  ResizeNearestNeighbor: resize("nearest"),
  ResizeBicubic: resize("cubic"),
  OneHot: oneHot,
  ReverseV2: reverse,
  SpaceToBatchND: spaceToBatch,
  BatchToSpaceND: batchToSpace,
};
