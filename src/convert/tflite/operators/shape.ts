import type { OnnxValue } from "../../../onnx/model.ts";
import {
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
import { activated } from "./activations.ts";

/** To the shape that the file states for the result, in TFLite's order of numbers. */
const toStated: ConvertOperator = (context) => inShape(context, context.input(), context.result().shape);

/** To the shape of its second input, of which -1 takes what is left; without one, to that of the result. */
const reshape: ConvertOperator = async (context) => {
  const target = context.has(1) ? await context.knownIntegers(1) : undefined;
  return inShape(context, context.input(), target ?? context.result().shape);
};

const concatenation: ConvertOperator = async (context) => {
  const axis = (await context.operator.options?.int32(0)) ?? 0;
  return activated(context, joined(context, context.inputs(), axis), 1);
};

const pack: ConvertOperator = async (context) =>
  packed(context, context.inputs(), (await context.operator.options?.int32(1)) ?? 0);

const unpack: ConvertOperator = async (context) =>
  unpacked(context, context.input(), (await context.operator.options?.int32(1)) ?? 0, context.operator.outputs.length);

/** The axis is the first input, the value the second. */
const splitEvenly: ConvertOperator = async (context) => {
  const [axis = 0] = await context.constantIntegers(0);
  const value = context.input(1);
  return split(context, value, axis, evenSizes(context, value, axis, context.operator.outputs.length));
};

const splitBySizes: ConvertOperator = async (context) => {
  const [axis = 0] = await context.constantIntegers(2);
  const shape = context.lastShape(0);
  const stated = await context.constantIntegers(1);
  const size = shape[context.place(axis, shape.length)]!;
  const rest = size - stated.filter((part) => part >= 0).reduce((sum, part) => sum + part, 0);
  return split(
    context,
    context.input(),
    axis,
    stated.map((part) => (part < 0 ? rest : part)),
  );
};

const transpose: ConvertOperator = async (context) =>
  transposed(context, context.input(), await context.constantIntegers(1));

const pad: ConvertOperator = async (context) => {
  const stated = await context.constantIntegers(1);
  const mirrored = context.operator.type === "MIRROR_PAD";
  if (mirrored && ((await context.operator.options?.uint8(0)) ?? 0) !== 0)
    context.fail("unsupported", "symmetric mirroring cannot be converted");
  const value = context.operator.type === "PADV2" ? context.weight(2, undefined, []) : undefined;
  return padded(context, context.input(), stated, { mode: mirrored ? "reflect" : "constant", value });
};

const slice: ConvertOperator = async (context) => {
  const shape = context.lastShape(0);
  const [begin, size] = [await context.constantIntegers(1), await context.constantIntegers(2)];
  const ends = size.map((length, axis) => (length < 0 ? shape[axis]! : begin[axis]! + length));
  return sliced(context, context.input(), begin, ends);
};

const strided: ConvertOperator = async (context) => {
  const mask = async (field: number) => (await context.operator.options?.int32(field)) ?? 0;
  if ((await mask(5)) !== 0) context.fail("unsupported", "offsets as ends cannot be converted");
  return stridedSlice(context, context.input(), {
    begin: await context.constantIntegers(1),
    end: await context.constantIntegers(2),
    strides: await context.constantIntegers(3),
    beginMask: await mask(0),
    endMask: await mask(1),
    ellipsisMask: await mask(2),
    newAxisMask: await mask(3),
    shrinkMask: await mask(4),
  });
};

const tile: ConvertOperator = async (context) => tiled(context, context.input(), await context.constantIntegers(1));

const gather: ConvertOperator = async (context) => {
  const options = context.operator.options;
  if (((await options?.int32(1)) ?? 0) !== 0) context.fail("unsupported", "batch dimensions cannot be converted");
  return gathered(context, context.input(), context.input(1), (await options?.int32(0)) ?? 0);
};

/** Sizes are known, so it is a constant. */
function shapeOf(context: OperatorContext): OnnxValue {
  const { shape } = context.tensor(0);
  context.shape();
  const sizes = context.integers("shape", shape);
  return context.result().type === "int64" ? sizes : context.cast(sizes, "int32", "narrow");
}

const CAST_TYPES = new Set(["float32", "int32", "int64", "uint8", "int8", "bool"]);

function cast(context: OperatorContext): OnnxValue {
  const { type } = context.result();
  if (type === "float16") return context.input();
  if (!CAST_TYPES.has(type)) context.fail("unsupported", `a conversion to ${type} cannot be converted`);
  return context.cast(context.input(), type, "cast");
}

const blocks =
  (type: string): ConvertOperator =>
  async (context) =>
    inBlocks(context, type, context.input(), (await context.operator.options?.int32(0)) ?? 0);

/** Options: two flags, align_corners and half_pixel_centers, from field `first` on. */
const resize =
  (mode: Resizing["mode"], first: number): ConvertOperator =>
  async (context) => {
    const flag = async (field: number) => ((await context.operator.options?.uint8(field)) ?? 0) !== 0;
    const [corners, centres] = [await flag(first), await flag(first + 1)];
    return resized(context, context.input(), await context.constantIntegers(1), { mode, corners, centres });
  };

export const SHAPES: OperatorTable = {
  RESHAPE: reshape,
  SQUEEZE: toStated,
  EXPAND_DIMS: toStated,
  CONCATENATION: concatenation,
  PACK: pack,
  UNPACK: unpack,
  SPLIT: splitEvenly,
  SPLIT_V: splitBySizes,
  TRANSPOSE: transpose,
  PAD: pad,
  PADV2: pad,
  MIRROR_PAD: pad,
  SLICE: slice,
  STRIDED_SLICE: strided,
  TILE: tile,
  GATHER: gather,
  GATHER_ND: (context) => gatheredNd(context, context.input(), context.input(1)),
  SHAPE: shapeOf,
  CAST: cast,
  DEPTH_TO_SPACE: blocks("DepthToSpace"),
  SPACE_TO_DEPTH: blocks("SpaceToDepth"),
  RESIZE_BILINEAR: resize("linear", 2),
  RESIZE_NEAREST_NEIGHBOR: resize("nearest", 0),
};
