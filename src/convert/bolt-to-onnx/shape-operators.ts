import { BOLT_DATA_TYPES } from "../../bolt/data-type.ts";
import type { ParameterName } from "../../bolt/parameter-layouts.ts";
import type { OnnxValue } from "../../onnx/model.ts";
import { tensorOf } from "../../onnx/tensor-data.ts";
import { isStatic } from "../graph-builder.ts";
import { unified } from "./elementwise.ts";
import type { RaiseContext, Raised, RaiseTable } from "./raise-context.ts";
import { ELEMENT_TYPES } from "./tensor-types.ts";

/** An end that lies behind every dimension. */
const TO_THE_END = 2 ** 31 - 1;

/** The value with another shape; a size of -1 is what remains, 0 keeps the input's. */
export function reshaped(
  context: RaiseContext,
  value: OnnxValue,
  target: readonly number[],
  suffix = "reshaped",
): OnnxValue {
  return context.add("Reshape", [value, context.integers(`${suffix}/shape`, target)], { suffix });
}

export function transposed(
  context: RaiseContext,
  value: OnnxValue,
  axes: readonly number[],
  suffix = "transposed",
): OnnxValue {
  return context.add("Transpose", [value], { suffix, attributes: { perm: axes } });
}

/** Marks reshapes of TFLite models: 4-D tensors are in channels-last order while reshaped. */
const CHANNELS_LAST_AXIS = 8;

function raiseReshape(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  const target = parameters.counted("shape", "num_shape");
  if (context.inputCount > 1 && target.length === 0) return reshapeByInput(context);
  const input = context.input();
  if (parameters.number("axis") !== CHANNELS_LAST_AXIS) return reshaped(context, input, target);
  const from = context.shapeOf(input).length === 4 ? transposed(context, input, [0, 2, 3, 1], "nhwc") : input;
  if (target.length !== 4) return reshaped(context, from, target);
  const [n, c, h, w] = target as [number, number, number, number];
  return transposed(context, reshaped(context, from, [n, h, w, c]), [0, 3, 1, 2], "nchw");
}

function reshapeByInput(context: RaiseContext): OnnxValue {
  return context.add("Reshape", [context.input(0), context.cast(context.input(1), "int64", "target")]);
}

function raiseFlatten(context: RaiseContext): OnnxValue {
  const input = context.input();
  const axis = normalAxis(context.parameters.number("axis"), context.shapeOf(input).length);
  return context.add("Flatten", [input], { attributes: { axis } });
}

/** An axis counted from the front. */
export function normalAxis(axis: number, rank: number): number {
  return rank === 0 ? 0 : ((axis % rank) + rank) % rank;
}

function raiseSqueeze(context: RaiseContext): OnnxValue {
  const input = context.input();
  const shape = context.shapeOf(input);
  const listed = context.parameters.counted("axes", "num_axes").map((axis) => normalAxis(axis, shape.length));
  const axes = listed.length > 0 ? listed : shape.flatMap((size, axis) => (size === 1 ? [axis] : []));
  return context.add("Squeeze", [input, context.integers("axes", axes)]);
}

function raiseUnsqueeze(context: RaiseContext): OnnxValue {
  const input = context.input();
  const listed = context.parameters.counted("axes", "num_axes");
  const rank = context.shapeOf(input).length + listed.length;
  const axes = listed.map((axis) => normalAxis(axis, rank));
  return context.add("Unsqueeze", [input, context.integers("axes", axes)]);
}

function raiseTranspose(context: RaiseContext): OnnxValue {
  const input = context.input();
  const rank = context.shapeOf(input).length;
  const axes = context.parameters.counted("axes", "num_axes").filter((axis) => axis < rank);
  return transposed(
    context,
    input,
    axes.length > 0 ? axes : Array.from({ length: rank }, (_, axis) => rank - 1 - axis),
  );
}

function raiseConcat(context: RaiseContext): OnnxValue {
  const inputs = unified(context, context.inputs());
  if (inputs.length === 1) return inputs[0]!;
  const axis = normalAxis(context.parameters.number("axis"), context.shapeOf(inputs[0]!).length);
  return context.add("Concat", inputs, { attributes: { axis } });
}

interface Cut {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** A part of a tensor, as ONNX Slice means it: negative positions count from the end. */
export function sliced(context: RaiseContext, value: OnnxValue, cuts: readonly Cut[], suffix = "slice"): OnnxValue {
  const list = (name: string, values: readonly number[]) => context.integers(`${suffix}/${name}`, values);
  return context.add(
    "Slice",
    [
      value,
      list(
        "starts",
        cuts.map(({ start }) => start),
      ),
      list(
        "ends",
        cuts.map(({ end }) => end),
      ),
      list(
        "axes",
        cuts.map(({ axis }) => axis),
      ),
      list(
        "steps",
        cuts.map(({ step }) => step),
      ),
    ],
    { suffix },
  );
}

/** Cuts along one axis at the slice points; all points 0: into equal parts. */
function raiseSlice(context: RaiseContext): Raised {
  const { parameters, node } = context;
  const input = context.input();
  const points = parameters.list("slice_points");
  const count = node.outputs.length;
  if (count === 1 && (parameters.number("num_slice") === 0 || points[0] === 0)) return input;
  const shape = context.shapeOf(input);
  const axis = normalAxis(parameters.number("axis"), shape.length);
  const equal = points.slice(0, count).every((point) => point === 0);
  const size = shape[axis];
  const boundary = (index: number): number => {
    if (index === 0) return 0;
    if (equal) {
      return typeof size === "number"
        ? (size / count) * index
        : context.fail("unsupported", "the size it cuts is unknown");
    }
    return index < count || count === 1 ? points[index - 1]! : TO_THE_END;
  };
  return node.outputs.map((_, index) => {
    const cut = { axis, start: boundary(index), end: boundary(index + 1), step: 1 };
    return sliced(context, input, [cut], `part${index}`);
  });
}

/** TensorFlow's strided slice without its ellipsis, new-axis and shrink masks, which Bolt's engine ignores too. */
function raiseTfSlice(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  if (context.inputCount > 1) context.fail("unsupported", "its bounds are computed while it runs");
  const input = context.input();
  const rank = context.shapeOf(input).length;
  const [begin, end, strides] = [parameters.list("begin"), parameters.list("end"), parameters.list("strides")];
  const [beginMask, endMask] = [parameters.list("begin_mask"), parameters.list("end_mask")];
  const cuts = Array.from({ length: rank }, (_, axis) => {
    const step = strides[axis] || 1;
    return {
      axis,
      start: beginMask[axis] === 1 ? 0 : begin[axis]!,
      end: endMask[axis] === 1 ? TO_THE_END : end[axis]!,
      step,
    };
  }).filter(({ start, end: stop, step }) => start !== 0 || stop !== TO_THE_END || step !== 1);
  return cuts.length === 0 ? input : sliced(context, input, cuts);
}

/** Pads by tensor rank, in the order of the axes. */
const PADS: Readonly<Record<number, readonly (readonly [ParameterName, ParameterName] | undefined)[]>> = {
  2: [undefined, ["front", "back"]],
  3: [undefined, ["front", "back"], ["top", "bottom"]],
  4: [
    ["before", "after"],
    ["front", "back"],
    ["top", "bottom"],
    ["left", "right"],
  ],
};

const PAD_MODES: Readonly<Record<string, string>> = { CONSTANT: "constant", REFLECT: "reflect", EDGE: "edge" };

function raisePad(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  const input = context.input();
  const shape = context.shapeOf(input);
  const fields = PADS[shape.length] ?? context.fail("unsupported", `its input has ${shape.length} dimensions`);
  const modeName = parameters.name("pad_mode");
  const mode = PAD_MODES[modeName] ?? context.fail("unsupported", `the padding mode ${modeName} cannot be run`);
  const amount = (side: 0 | 1) => fields.map((pair) => (pair === undefined ? 0 : parameters.number(pair[side])));
  const [before, after] = [amount(0), amount(1)];
  return context.add(
    "Pad",
    [
      input,
      context.integers("pads", [...before, ...after]),
      context.scalar("value", parameters.number("constant_value")),
    ],
    { attributes: { mode } },
  );
}

/** Zeros added behind, or channels dropped from, each group's channels. */
function raiseChannelResize(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  const input = context.input();
  const shape = context.staticShapeOf(input);
  const channels = shape[1] ?? context.fail("format", "its input has no channels");
  const group = parameters.number("group") || 1;
  const before = parameters.number("channel_before") || channels;
  const after = parameters.number("channel_after") || Math.ceil(channels / 8) * 8;
  if (before === after || before !== channels) return input;
  const spatial = shape.slice(2);
  const grouped = reshaped(context, input, [shape[0]!, group, before / group, ...spatial], "grouped");
  const resized =
    after < before
      ? sliced(context, grouped, [{ axis: 2, start: 0, end: after / group, step: 1 }])
      : context.add(
          "Pad",
          [grouped, context.integers("pads", padsOf(grouped.type!.shape!.length, 2, (after - before) / group))],
          { suffix: "pad" },
        );
  return reshaped(context, resized, [shape[0]!, after, ...spatial]);
}

/** Pads that add `count` at the end of one axis. */
function padsOf(rank: number, axis: number, count: number): number[] {
  return Array.from({ length: 2 * rank }, (_, index) => (index === rank + axis ? count : 0));
}

function raiseTile(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  const input = context.input();
  const shape = context.shapeOf(input);
  const listed = parameters.counted("repeats", "num_repeats");
  const axis = normalAxis(parameters.number("axis"), shape.length);
  const repeats =
    listed.length === shape.length ? listed : shape.map((_, place) => (place === axis ? (listed[0] ?? 1) : 1));
  return context.add("Tile", [input, context.integers("repeats", repeats)]);
}

function raiseExpand(context: RaiseContext): OnnxValue {
  const input = context.input();
  const listed = context.parameters.counted("shape", "num_shape");
  const target =
    listed.length > 0 ? context.integers("shape", listed) : context.cast(context.input(1), "int64", "target");
  return context.add("Expand", [input, target]);
}

function raiseSpaceToDepth(context: RaiseContext): OnnxValue {
  return context.add("SpaceToDepth", [context.input()], {
    attributes: { blocksize: context.parameters.number("block_size") },
  });
}

function raiseDepthToSpace(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  return context.add("DepthToSpace", [context.input()], {
    attributes: {
      blocksize: parameters.number("block_size"),
      mode: parameters.text("mode") === "CRD" ? "CRD" : "DCR",
    },
  });
}

function raiseShape(context: RaiseContext): OnnxValue {
  const input = context.input();
  const shape = context.shapeOf(input);
  if (isStatic(shape)) {
    return context.builder.constant(context.name, tensorOf("int32", [shape.length], Int32Array.from(shape)));
  }
  return context.cast(context.add("Shape", [input], { suffix: "shape" }), "int32");
}

function raiseConstantOfShape(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  const target = context.cast(context.input(), "int64", "target");
  const type = parameters.has("dt") ? (BOLT_DATA_TYPES[parameters.number("dt")] ?? "F32") : "F32";
  const value = parameters.has("value") ? parameters.number("value") : 0;
  const filled = context.add("Expand", [context.scalar("value", value), target], { suffix: "filled" });
  return context.cast(filled, ELEMENT_TYPES[type]);
}

export const SHAPE_OPERATORS: RaiseTable = {
  Reshape: raiseReshape,
  Flatten: raiseFlatten,
  Squeeze: raiseSqueeze,
  Unsqueeze: raiseUnsqueeze,
  Transpose: raiseTranspose,
  Concat: raiseConcat,
  Slice: raiseSlice,
  Split: (context) => context.node.outputs.map(() => context.input()),
  TfSlice: raiseTfSlice,
  Pad: raisePad,
  ChannelResize: raiseChannelResize,
  Tile: raiseTile,
  Expand: raiseExpand,
  Space2Depth: raiseSpaceToDepth,
  Depth2Space: raiseDepthToSpace,
  Shape: raiseShape,
  ConstantOfShape: raiseConstantOfShape,
  Dropout: (context) => context.input(),
};
