import { elementCount } from "../../../graph/tensor.ts";
import type { OnnxValue } from "../../../onnx/model.ts";
import { float32Of } from "../../../onnx/tensor-data.ts";
import { NORM_REGIONS } from "../enumerations.ts";
import type { LayerContext, LayerTable } from "../layer-context.ts";

/** The stored sums of mean and variance are divided by the stored count. */
async function batchNorm(context: LayerContext): Promise<OnnxValue> {
  const text = context.parameters("batch_norm_param");
  if (!text.flag("use_global_stats", true))
    context.fail("unsupported", "a BatchNorm that takes mean and variance from the batch cannot be converted");
  text.float("moving_average_fraction", 0);
  const channels = context.shape()[1] ?? 1;
  if (context.axis(text.integer("axis", 1), context.shape().length) !== 1)
    context.fail("unsupported", "a BatchNorm over another axis than 1 cannot be converted");
  const count = context.hasBlob(2) ? (await float32Of(context.blob(2)))[0]! : 1;
  const statistics = async (index: number, suffix: string) => {
    const values = await float32Of(context.blob(index, [channels]));
    return context.floats(
      suffix,
      values.map((value) => (count === 0 ? 0 : value / count)),
    );
  };
  const constant = (suffix: string, value: number) => context.floats(suffix, new Array<number>(channels).fill(value));
  return context.add(
    "BatchNormalization",
    [
      context.input(),
      constant("scale", 1),
      constant("shift", 0),
      await statistics(0, "mean"),
      await statistics(1, "variance"),
    ],
    { attributes: { epsilon: { float: text.float("eps", 1e-5) } } },
  );
}

/** A factor (the second bottom, or learned) along the axes from `axis` on, and a learned summand. */
function scale(context: LayerContext): OnnxValue {
  const text = context.parameters("scale_param");
  const shape = context.shape();
  const axis = context.axis(text.integer("axis", 1), shape.length);
  const learned = context.inputs.length < 2;
  const span = learned ? spanOf(context, text.integer("num_axes", 1), axis) : context.shape(1);
  text.integer("num_axes", 1);
  const place = placed(context, span, axis);
  const factor = learned ? context.constant(0, "factor", place) : reshapedTo(context, context.input(1), place);
  const biased = text.flag("bias_term", false);
  const product = context.add("Mul", [context.input(), factor], biased ? { suffix: "product" } : {});
  return biased ? context.add("Add", [product, context.constant(learned ? 1 : 0, "summand", place)]) : product;
}

function bias(context: LayerContext): OnnxValue {
  const text = context.parameters("bias_param");
  const axis = context.axis(text.integer("axis", 1), context.shape().length);
  const learned = context.inputs.length < 2;
  const span = learned ? spanOf(context, text.integer("num_axes", 1), axis) : context.shape(1);
  text.integer("num_axes", 1);
  const place = placed(context, span, axis);
  const summand = learned ? context.constant(0, "summand", place) : reshapedTo(context, context.input(1), place);
  return context.add("Add", [context.input(), summand]);
}

/** The sizes that a learned factor spans; -1 means all that follow. */
function spanOf(context: LayerContext, axes: number, axis: number): readonly number[] {
  const shape = context.shape();
  return axes === -1 ? shape.slice(axis) : shape.slice(axis, axis + axes);
}

/** `span` from `axis` on, with ones behind for broadcasting. */
function placed(context: LayerContext, span: readonly number[], axis: number): readonly number[] {
  const shape = context.shape();
  const fits = span.every((size, index) => size === shape[axis + index] || size === 1);
  if (!fits)
    context.fail("format", `a factor of ${span.join(" x ")} does not fit ${shape.join(" x ")} at axis ${axis}`);
  return [...span, ...shape.slice(axis + span.length).map(() => 1)];
}

function reshapedTo(context: LayerContext, value: OnnxValue, shape: readonly number[]): OnnxValue {
  const same = shape.length === context.shapeOf(value).length;
  return same ? value : context.reshaped(value, shape, "factor");
}

function localResponse(context: LayerContext): OnnxValue {
  const text = context.parameters("lrn_param");
  const size = text.integer("local_size", 5);
  if (!text.has("alpha")) {
    context.fail("unsupported", "its alpha is not stated, and readers differ: Caffe takes 1, OpenCV 0.0001; state it");
  }
  const [alpha, beta, k] = [text.float("alpha", 1), text.float("beta", 0.75), text.float("k", 1)];
  if (size < 1 || size % 2 === 0) context.fail("format", "local_size must be odd");
  if (text.word("norm_region", "ACROSS_CHANNELS", NORM_REGIONS) === "WITHIN_CHANNEL")
    return withinChannel(context, size, alpha, beta);
  return context.add("LRN", [context.input()], {
    attributes: { size, alpha: { float: alpha }, beta: { float: beta }, bias: { float: k } },
  });
}

/** x · (1 + alpha · mean of squares around)^-beta. */
function withinChannel(context: LayerContext, size: number, alpha: number, beta: number): OnnxValue {
  const x = context.input();
  const pads = new Array<number>(2 * (context.shape().length - 2)).fill((size - 1) / 2);
  const square = context.add("Mul", [x, x], { suffix: "square" });
  const mean = context.add("AveragePool", [square], {
    suffix: "mean",
    attributes: { kernel_shape: pads.slice(pads.length / 2).map(() => size), pads, count_include_pad: 1 },
  });
  const scaled = context.add("Mul", [mean, context.scalar("alpha", alpha)], { suffix: "scaled" });
  const sum = context.add("Add", [scaled, context.scalar("one", 1)], { suffix: "sum" });
  return context.add("Mul", [x, context.add("Pow", [sum, context.scalar("power", -beta)], { suffix: "factor" })]);
}

/** SSD's: each place (or the whole map) is brought to length 1 over the channels, then scaled by learned numbers. */
function normalize(context: LayerContext): OnnxValue {
  const text = context.parameters("norm_param");
  const shape = context.shape();
  const axes = text.flag("across_spatial", true) ? shape.slice(1).map((_, index) => index + 1) : [1];
  const shared = text.flag("channel_shared", true);
  const x = context.input();
  const length = lengthOver(context, axes, text.float("eps", 1e-10));
  const factor = shared ? [1] : [shape[1] ?? 1, ...shape.slice(2).map(() => 1)];
  return context.add("Mul", [
    context.add("Div", [x, length], { suffix: "unit" }),
    context.constant(0, "factor", factor),
  ]);
}

function lengthOver(context: LayerContext, axes: readonly number[], epsilon: number): OnnxValue {
  const x = context.input();
  const shape = context.shape().map((size, axis) => (axes.includes(axis) ? 1 : size));
  const square = context.add("Mul", [x, x], { suffix: "square" });
  const sum = context.add("ReduceSum", [square, context.integers("axes", axes)], {
    suffix: "sum",
    attributes: { keepdims: 1 },
    shape,
  });
  const safe = context.add("Add", [sum, context.scalar("epsilon", epsilon)], { suffix: "safe" });
  return context.add("Sqrt", [safe], { suffix: "length" });
}

/** (x - mean) / (deviation + eps), over each channel or over all. */
function meanVariance(context: LayerContext): OnnxValue {
  const text = context.parameters("mvn_param");
  const first = text.flag("across_channels", false) ? 1 : 2;
  const axes = context.shape().flatMap((_, axis) => (axis < first ? [] : [axis]));
  const shape = context.shape().map((size, axis) => (axis < first ? size : 1));
  const mean = (value: OnnxValue, suffix: string) =>
    context.add("ReduceMean", [value], { suffix, attributes: { axes, keepdims: 1 }, shape });
  const scaled = text.flag("normalize_variance", true);
  const epsilon = text.float("eps", 1e-9);
  const difference = context.add(
    "Sub",
    [context.input(), mean(context.input(), "mean")],
    scaled ? { suffix: "difference" } : {},
  );
  if (!scaled) return difference;
  const variance = mean(context.add("Mul", [difference, difference], { suffix: "square" }), "variance");
  const deviation = context.add("Sqrt", [variance], { suffix: "deviation" });
  const divisor = context.add("Add", [deviation, context.scalar("epsilon", epsilon)], { suffix: "divisor" });
  return context.add("Div", [difference, divisor]);
}

/** Bolt's own layer: over the last axis, with its fixed epsilon. */
function layerNorm(context: LayerContext): OnnxValue {
  const size = context.shape().at(-1) ?? 1;
  return context.add(
    "LayerNormalization",
    [context.input(), context.constant(0, "scale", [size]), context.constant(1, "shift", [size])],
    { attributes: { axis: -1, epsilon: { float: 1e-6 } } },
  );
}

/** A row of a learned table for each number. */
function embed(context: LayerContext): OnnxValue {
  const text = context.parameters("embed_param");
  const [rows, columns] = [text.integer("input_dim", 0), text.integer("num_output", 0)];
  if (text.flag("transpose", false)) context.fail("unsupported", "a turned table cannot be converted");
  const indices = context.cast(context.input(), "int64", "index");
  const shape = [...context.shape(), columns];
  const biased = text.flag("bias_term", true);
  const found = context.add("Gather", [context.constant(0, "table", [rows, columns]), indices], {
    ...(biased ? { suffix: "row" } : {}),
    attributes: { axis: 0 },
    shape,
  });
  return biased ? context.add("Add", [found, context.constant(1, "summand", [columns])], { shape }) : found;
}

/** A learned tensor that other layers read. */
function parameter(context: LayerContext): OnnxValue {
  const own = context.layer.type === "Parameter" ? "parameter_param" : "shared_weight_param";
  const shape = context.parameters(own).message("shape").integers("dim");
  context.parameters(own).word("data_type", "FLOAT32");
  if (elementCount(shape) < 1) context.fail("format", `[${shape.join(", ")}] is no valid shape`);
  return context.constant(0, "value", shape);
}

export const NORMALIZATIONS: LayerTable = {
  BatchNorm: batchNorm,
  Scale: scale,
  Bias: bias,
  LRN: localResponse,
  Normalize: normalize,
  MVN: meanVariance,
  LayerNorm: layerNorm,
  Embed: embed,
  Parameter: parameter,
  SharedWeight: parameter,
};
