import type { OnnxValue } from "../../../onnx/model.ts";
import { elementwise } from "../../channels-last/elementwise.ts";
import { samePads, transposedWindow } from "../../channels-last/windows.ts";
import type { ConvertOperator, OperatorContext, OperatorTable } from "../operator-context.ts";
import { biased } from "./arithmetic.ts";

/** Height and width of a list that has a number for each axis of a map; those of batch and channels must be 1. */
function pairOf(context: OperatorContext, list: readonly number[], what: string): readonly [number, number] {
  if (list.length === 0) return [1, 1];
  const [batch, ...rest] = list;
  const [channels, height, width] = context.isChannelsFirst() ? rest : [rest[2], rest[0], rest[1]];
  if (list.length !== 4 || height === undefined || width === undefined || height < 1 || width < 1)
    context.fail("format", `[${list.join(", ")}] is no valid ${what}`);
  if (batch !== 1 || channels !== 1)
    context.fail("unsupported", `${what} along the batch or channels cannot be converted`);
  return [height, width];
}

/** ONNX's padding of a window over `map` (channels first). */
function padsOf(
  context: OperatorContext,
  map: OnnxValue,
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): readonly number[] {
  const padding = context.text("padding");
  if (padding === "VALID") return [0, 0, 0, 0];
  if (padding === "SAME") return samePads(context.shapeOf(map).slice(2), kernel, stride, dilation);
  const stated = context.list("explicit_paddings");
  if (padding !== "EXPLICIT" || stated.length !== 8) context.fail("format", `"${padding}" is no padding`);
  const at = context.isChannelsFirst() ? 4 : 2;
  const [top, bottom, left, right] = stated.slice(at, at + 4);
  return [top!, left!, bottom!, right!];
}

function fourSizes(context: OperatorContext, value: OnnxValue): readonly [number, number, number, number] {
  const shape = context.shapeOf(value);
  if (shape.length !== 4) context.fail("format", "its weights are not four-dimensional");
  return shape as readonly number[] as readonly [number, number, number, number];
}

/** A convolution, which a later operator may give a bias or dilation. */
function convolved(
  context: OperatorContext,
  map: OnnxValue,
  weight: OnnxValue,
  attributes: Readonly<Record<string, number | readonly number[]>>,
): OnnxValue {
  const make = (bias: readonly OnnxValue[], suffix?: string) =>
    context.fromMap(context.add("Conv", [map, weight, ...bias], { attributes, suffix }));
  const value = make([]);
  context.rewritable.withBias.set(value, (bias) => make([bias], "biased"));
  const dealing = context.rewritable.dealt.get(context.input());
  const { strides, dilations, pads } = attributes as Record<string, readonly number[]>;
  if (
    dealing === undefined ||
    [strides!, dilations!].flat().some((step) => step !== 1) ||
    pads!.some((pad) => pad !== 0)
  )
    return value;
  context.rewritable.dilated.set(value, (block, crops) => {
    const [top, bottom, left, right] = dealing.paddings.map((pad, side) => pad - crops[side]!);
    const fits = block.join() === dealing.block.join() && [top, bottom, left, right].every((pad) => pad! >= 0);
    if (!fits || context.isChannelsFirst()) return undefined;
    const dilated = { ...attributes, dilations: block, pads: [top!, left!, bottom!, right!] };
    const remake = (bias: readonly OnnxValue[], suffix: string) =>
      context.add("Conv", [dealing.map, weight, ...bias], { attributes: dilated, suffix });
    const result = remake([], "dilated");
    context.rewritable.withBias.set(result, (bias) => remake([bias], "dilatedBiased"));
    return result;
  });
  return value;
}

/** Weights are height × width × inputs × outputs. */
const convolution: ConvertOperator = (context) => {
  const map = context.map();
  const stated = context.last(context.input(1));
  const [height, width, inputs, outputs] = fourSizes(context, stated);
  const channels = context.shapeOf(map)[1]!;
  if (inputs < 1 || channels % inputs !== 0 || outputs % (channels / inputs) !== 0)
    context.fail("format", `weights for ${inputs} channels do not fit ${channels}`);
  return windowed(context, map, context.moved(stated, [3, 2, 0, 1], "weight"), [height, width], channels / inputs);
};

/** Weights are height × width × inputs × outputs of each. */
const depthwise: ConvertOperator = (context) => {
  const map = context.map();
  const stated = context.last(context.input(1));
  const [height, width, inputs, outputs] = fourSizes(context, stated);
  if (inputs !== context.shapeOf(map)[1])
    context.fail("format", `weights for ${inputs} channels do not fit ${context.shapeOf(map)[1]}`);
  const turned = context.moved(stated, [2, 3, 0, 1], "turned");
  const weight = context.reshaped(turned, [inputs * outputs, 1, height, width], "weight");
  return windowed(context, map, weight, [height, width], inputs);
};

function windowed(
  context: OperatorContext,
  map: OnnxValue,
  weight: OnnxValue,
  kernel: readonly number[],
  group: number,
): OnnxValue {
  const strides = pairOf(context, context.list("strides"), "stride");
  const dilations = pairOf(context, context.list("dilations"), "dilation");
  const pads = padsOf(context, map, kernel, strides, dilations);
  return convolved(context, map, weight, { kernel_shape: kernel, strides, dilations, pads, group });
}

/** Inputs are the size of the result, weights (height × width × outputs × inputs), and the map. */
const transposeConvolution: ConvertOperator = async (context) => {
  const map = context.map(2);
  const stated = context.last(context.input(1));
  const [height, width, , inputs] = fourSizes(context, stated);
  if (context.shapeOf(map)[1] !== inputs) context.fail("format", `weights for ${inputs} channels do not fit its map`);
  const strides = pairOf(context, context.list("strides"), "stride");
  if (pairOf(context, context.list("dilations"), "dilation").some((step) => step !== 1))
    context.fail("unsupported", "dilation of a transposed convolution cannot be converted");
  const padding = context.text("padding");
  if (padding !== "SAME" && padding !== "VALID")
    context.fail("unsupported", `the padding ${padding} cannot be converted`);
  const sizes = await context.constantIntegers(0);
  const wanted = sizes.length === 2 ? sizes : context.isChannelsFirst() ? sizes.slice(2) : sizes.slice(1, 3);
  const kernel = [height, width];
  const { pads, output_padding } = transposedWindow(
    context.shapeOf(map).slice(2),
    kernel,
    strides,
    wanted,
    padding === "VALID",
  );
  const weight = context.moved(stated, [3, 2, 0, 1], "weight");
  const attributes = { kernel_shape: kernel, strides, pads, output_padding };
  const make = (bias: readonly OnnxValue[], suffix?: string) =>
    context.fromMap(context.add("ConvTranspose", [map, weight, ...bias], { attributes, suffix }));
  const value = make([]);
  context.rewritable.withBias.set(value, (bias) => make([bias], "biased"));
  return value;
};

const pooling =
  (type: string): ConvertOperator =>
  (context) =>
    pooled(context, type, context.list("ksize"), context.list("strides"));

/** Window and strides are inputs. */
const poolingV2: ConvertOperator = async (context) =>
  pooled(context, "MaxPool", await context.constantIntegers(1), await context.constantIntegers(2));

function pooled(
  context: OperatorContext,
  type: string,
  ksize: readonly number[],
  stated: readonly number[],
): OnnxValue {
  const map = context.map();
  const kernel = pairOf(context, ksize, "window");
  const strides = pairOf(context, stated, "stride");
  const pads = padsOf(context, map, kernel, strides, [1, 1]);
  return context.fromMap(context.add(type, [map], { attributes: { kernel_shape: kernel, strides, pads } }));
}

/**
 * Inputs are the map, factors, offsets, means and variances of the channels. In training these two are the batch's own:
 * layer normalization is written so, with a batch of one.
 */
const batchNormalization: ConvertOperator = (context) => {
  const map = context.map();
  const attributes = { epsilon: { float: context.float("epsilon", Math.fround(0.0001)) } };
  const isTraining = context.flag("is_training", true);
  const values = (isTraining ? [1, 2] : [1, 2, 3, 4]).map((index) => context.input(index));
  if (isTraining && context.shapeOf(map)[0] !== 1)
    context.fail("unsupported", "it normalizes by the batch, as in training; freeze the graph for inference");
  const type = isTraining ? "InstanceNormalization" : "BatchNormalization";
  return [context.fromMap(context.add(type, [map, ...values], { attributes }))];
};

const biasAdd: ConvertOperator = (context) => {
  const [value, bias] = [context.input(), context.input(1)];
  const rank = context.shapeOf(value).length;
  if (rank !== 4 && context.isChannelsFirst() && rank > 2)
    context.fail("unsupported", "channels first of other than four dimensions cannot be converted");
  if (rank !== 4 || !context.isChannelsFirst())
    return biased(context, value, bias) ?? elementwise(context, "Add", [value, bias]);
  const withBias = bias.constant === undefined ? undefined : context.rewritable.withBias.get(value);
  if (withBias !== undefined) return withBias(bias);
  const column = context.reshaped(bias, [1, ...context.shapeOf(bias), 1, 1], "column");
  return context.fromMap(context.add("Add", [context.map(), column]));
};

const localResponse: ConvertOperator = (context) => {
  const size = 2 * context.integer("depth_radius", 5) + 1;
  const attributes = {
    size,
    alpha: { float: context.float("alpha", 1) * size },
    beta: { float: context.float("beta", 0.5) },
    bias: { float: context.float("bias", 1) },
  };
  return context.add("LRN", [context.map()], { attributes });
};

export const WINDOWS: OperatorTable = {
  Conv2D: convolution,
  DepthwiseConv2dNative: depthwise,
  Conv2DBackpropInput: transposeConvolution,
  MaxPool: pooling("MaxPool"),
  MaxPoolV2: poolingV2,
  AvgPool: pooling("AveragePool"),
  FusedBatchNorm: batchNormalization,
  FusedBatchNormV2: batchNormalization,
  FusedBatchNormV3: batchNormalization,
  BiasAdd: biasAdd,
  BiasAddV1: biasAdd,
  LRN: localResponse,
};
