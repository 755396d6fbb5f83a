import { elementCount } from "../../../graph/tensor.ts";
import type { OnnxValue } from "../../../onnx/model.ts";
import { type ConvertOperator, type OperatorContext, type OperatorTable, TO_FIRST } from "../operator-context.ts";
import { activated } from "./activations.ts";

/** To the shape that the file states for the result, in TFLite's order of numbers. */
const toStated: ConvertOperator = (context) => {
  const last = context.last(context.input());
  return context.first(context.reshaped(last, context.result().shape));
};

/** To the shape of its second input, of which -1 takes what is left; without one, to that of the result. */
const reshape: ConvertOperator = async (context) => {
  const target = context.has(1) ? await context.knownIntegers(1) : undefined;
  if (target === undefined) return toStated(context);
  const last = context.last(context.input());
  const count = elementCount(context.shape(last));
  const rest = count / elementCount(target.filter((size) => size !== -1));
  const shape = target.map((size) => (size === -1 ? rest : size));
  if (shape.some((size) => size < 0 || !Number.isInteger(size)))
    context.fail("format", `${count} numbers cannot become ${target.join(" x ")}`);
  return context.first(context.reshaped(last, shape));
};

async function concatenation(context: OperatorContext): Promise<OnnxValue> {
  const axis = context.firstAxis((await context.operator.options?.int32(0)) ?? 0, context.shape().length);
  const inputs = context.operator.inputs.map((_, index) => context.input(index));
  return activated(context, context.add("Concat", inputs, { attributes: { axis } }), 1);
}

async function pack(context: OperatorContext): Promise<OnnxValue> {
  const { shape } = context.result();
  const stated = (await context.operator.options?.int32(1)) ?? 0;
  const axis = stated < 0 ? stated + shape.length : stated;
  const parts = context.operator.inputs.map((_, index) =>
    context.reshaped(context.last(context.input(index), `last${index}`), shape.with(axis, 1), `part${index}`),
  );
  return context.first(context.add("Concat", parts, { attributes: { axis } }));
}

async function unpack(context: OperatorContext): Promise<readonly OnnxValue[]> {
  const last = context.last(context.input());
  const shape = context.shape(last);
  const stated = (await context.operator.options?.int32(1)) ?? 0;
  const axis = stated < 0 ? stated + shape.length : stated;
  const parts = split(
    context,
    last,
    axis,
    context.operator.outputs.map(() => 1),
  );
  return parts.map((part, index) =>
    context.first(context.reshaped(part, shape.toSpliced(axis, 1), `part${index}`), `first${index}`),
  );
}

function split(
  context: OperatorContext,
  value: OnnxValue,
  axis: number,
  sizes: readonly number[],
): readonly OnnxValue[] {
  const shape = context.shape(value);
  if (sizes.reduce((sum, size) => sum + size, 0) !== shape[axis])
    context.fail("format", `parts of ${sizes.join(", ")} do not make ${shape[axis]}`);
  return context.builder.addMany("Split", [value, context.integers("sizes", sizes)], {
    name: context.name,
    attributes: { axis },
    outputs: sizes.map((size) => ({ type: value.type?.type ?? "float32", shape: shape.with(axis, size) })),
  });
}

/** The axis is the first input, the value the second. */
async function splitEvenly(context: OperatorContext): Promise<readonly OnnxValue[]> {
  const value = context.input(1);
  const shape = context.shape(value);
  const axis = context.firstAxis((await context.constantIntegers(0))[0] ?? 0, shape.length);
  const parts = context.operator.outputs.length;
  return split(context, value, axis, new Array<number>(parts).fill(shape[axis]! / parts));
}

async function splitBySizes(context: OperatorContext): Promise<readonly OnnxValue[]> {
  const shape = context.shape();
  const axis = context.firstAxis((await context.constantIntegers(2))[0] ?? 0, shape.length);
  const stated = await context.constantIntegers(1);
  const rest = shape[axis]! - stated.filter((size) => size >= 0).reduce((sum, size) => sum + size, 0);
  return split(
    context,
    context.input(),
    axis,
    stated.map((size) => (size < 0 ? rest : size)),
  );
}

/** Of four axes the order is TFLite's on both sides. */
async function transpose(context: OperatorContext): Promise<OnnxValue> {
  const perm = await context.constantIntegers(1);
  const rank = context.shape().length;
  if (perm.length !== rank || new Set(perm).size !== rank || perm.some((axis) => axis < 0 || axis >= rank))
    context.fail("format", `[${perm.join(", ")}] is no order of ${rank} axes`);
  const first = rank === 4 ? TO_FIRST.map((axis) => TO_FIRST.indexOf(perm[axis]!)) : perm;
  return context.moved(context.input(), first, "transposed");
}

async function pad(context: OperatorContext): Promise<OnnxValue> {
  const rank = context.shape().length;
  const stated = await context.constantIntegers(1);
  if (stated.length !== 2 * rank) context.fail("format", `${stated.length} sizes do not pad ${rank} axes`);
  const axes = rank === 4 ? TO_FIRST : Array.from({ length: rank }, (_, axis) => axis);
  const pads = [...axes.map((axis) => stated[2 * axis]!), ...axes.map((axis) => stated[2 * axis + 1]!)];
  const mirrored = context.operator.type === "MIRROR_PAD";
  if (mirrored && ((await context.operator.options?.uint8(0)) ?? 0) !== 0)
    context.fail("unsupported", "symmetric mirroring cannot be converted");
  const value = context.operator.type === "PADV2" ? [context.weight(2, undefined, [])] : [];
  const attributes = mirrored ? { mode: "reflect" } : {};
  return context.add("Pad", [context.input(), context.integers("pads", pads), ...value], { attributes });
}

async function slice(context: OperatorContext): Promise<OnnxValue> {
  const shape = context.tensor(0).shape;
  const [begin, size] = [await context.constantIntegers(1), await context.constantIntegers(2)];
  const ends = size.map((length, axis) => (length < 0 ? shape[axis]! : begin[axis]! + length));
  return sliced(
    context,
    begin,
    ends,
    begin.map(() => 1),
  );
}

const END = 2 ** 31 - 1;

async function stridedSlice(context: OperatorContext): Promise<OnnxValue> {
  const options = context.operator.options;
  const mask = async (field: number) => (await options?.int32(field)) ?? 0;
  const [beginMask, endMask, shrunk] = [await mask(0), await mask(1), await mask(4)];
  if ((await mask(2)) !== 0 || (await mask(3)) !== 0 || (await mask(5)) !== 0)
    context.fail("unsupported", "new axes, an ellipsis or offsets cannot be converted");
  const { shape } = context.tensor(0);
  const [begin, end, strides] = [
    await context.constantIntegers(1),
    await context.constantIntegers(2),
    await context.constantIntegers(3),
  ];
  if (
    begin.length > shape.length ||
    end.length !== begin.length ||
    strides.length !== begin.length ||
    strides.includes(0)
  )
    context.fail("format", "its bounds do not fit its input");
  const set = (bits: number, axis: number) => (bits & (1 << axis)) !== 0;
  const starts = begin.map((value, axis) =>
    set(beginMask, axis) && !set(shrunk, axis) ? (strides[axis]! > 0 ? 0 : END) : value,
  );
  const ends = end.map((value, axis) => {
    if (set(shrunk, axis)) return begin[axis] === -1 ? END : begin[axis]! + 1;
    return set(endMask, axis) ? (strides[axis]! > 0 ? END : -END) : value;
  });
  const steps = strides.map((stride, axis) => (set(shrunk, axis) ? 1 : stride));
  const value = sliced(context, starts, ends, steps);
  if (shrunk === 0) return value;
  return context.first(context.reshaped(context.last(value), context.result().shape));
}

/** Bounds by TFLite's axes; those that keep an axis whole are left out. */
function sliced(
  context: OperatorContext,
  starts: readonly number[],
  ends: readonly number[],
  steps: readonly number[],
): OnnxValue {
  const { shape } = context.tensor(0);
  const axes = starts.flatMap((start, axis) =>
    start === 0 && ends[axis]! >= shape[axis]! && steps[axis] === 1 ? [] : [axis],
  );
  if (axes.length === 0) return context.input();
  const chosen = (name: string, values: readonly number[]) =>
    context.integers(
      name,
      axes.map((axis) => values[axis]!),
    );
  const places = context.integers(
    "axes",
    axes.map((axis) => context.firstAxis(axis, shape.length)),
  );
  return context.add("Slice", [
    context.input(),
    chosen("starts", starts),
    chosen("ends", ends),
    places,
    chosen("steps", steps),
  ]);
}

async function tile(context: OperatorContext): Promise<OnnxValue> {
  const repeats = await context.constantIntegers(1);
  const first = repeats.length === 4 ? TO_FIRST.map((axis) => repeats[axis]!) : repeats;
  return context.add("Tile", [context.input(), context.integers("repeats", first)]);
}

async function gather(context: OperatorContext): Promise<OnnxValue> {
  const options = context.operator.options;
  if (((await options?.int32(1)) ?? 0) !== 0) context.fail("unsupported", "batch dimensions cannot be converted");
  const last = context.last(context.input());
  const rank = context.shape(last).length;
  const stated = (await options?.int32(0)) ?? 0;
  const axis = stated < 0 ? stated + rank : stated;
  const indices = context.last(context.input(1), "indices");
  return context.first(context.add("Gather", [last, indices], { attributes: { axis } }));
}

function gatherNd(context: OperatorContext): OnnxValue {
  const indices = context.cast(context.last(context.input(1), "indices"), "int64", "wide");
  return context.first(context.add("GatherND", [context.last(context.input()), indices]));
}

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
  async (context) => {
    const blocksize = (await context.operator.options?.int32(0)) ?? 0;
    if (blocksize < 1) context.fail("format", `a block of ${blocksize} is not possible`);
    return context.add(type, [context.input()], { attributes: { blocksize } });
  };

/** Options: two flags, align_corners and half_pixel_centers, from field `first` on. */
const resize =
  (mode: string, first: number): ConvertOperator =>
  async (context) => {
    const options = context.operator.options;
    const corners = ((await options?.uint8(first)) ?? 0) !== 0;
    const centres = ((await options?.uint8(first + 1)) ?? 0) !== 0;
    const [height, width] = (await context.constantIntegers(1)) as [number, number];
    const sizes = [...context.shape().slice(0, 2), height, width];
    return context.add("Resize", [context.input(), undefined, undefined, context.integers("sizes", sizes)], {
      shape: sizes,
      attributes: {
        mode,
        coordinate_transformation_mode: corners ? "align_corners" : centres ? "half_pixel" : "asymmetric",
        nearest_mode: corners || centres ? "round_prefer_ceil" : "floor",
      },
    });
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
  STRIDED_SLICE: stridedSlice,
  TILE: tile,
  GATHER: gather,
  GATHER_ND: gatherNd,
  SHAPE: shapeOf,
  CAST: cast,
  DEPTH_TO_SPACE: blocks("DepthToSpace"),
  SPACE_TO_DEPTH: blocks("SpaceToDepth"),
  RESIZE_BILINEAR: resize("linear", 2),
  RESIZE_NEAREST_NEIGHBOR: resize("nearest", 0),
};
