import type { BoltDataType } from "../../bolt/data-type.ts";
import type { ParameterValue, ParameterValues } from "../../bolt/parameters.ts";
import type { BoltRules } from "../../bolt/rules.ts";
import { BoltqError } from "../../io/error.ts";
import type { TextMessage } from "../../io/protobuf-text.ts";
import { defaultDataFormat } from "../onnx-to-bolt/data-format.ts";
import {
  CHECK_OPERATIONS,
  ELTWISE_OPERATIONS,
  INTERPOLATION_MODES,
  POOL_METHODS,
  REDUCTION_OPERATIONS,
  ROUND_MODES,
} from "./enumerations.ts";
import { type CaffeLayer, subjectOf } from "./net.ts";

type Values = { -readonly [Name in keyof ParameterValues]: ParameterValue };

/** What Bolt's reader makes of a layer. */
export interface AsBolt {
  readonly type: string;
  /** Default: all zero. */
  readonly parameters?: (layer: CaffeLayer, rules: BoltRules) => Values;
  /** Has a weight record, also where the caffemodel has no blobs for it. */
  readonly weighted?: true;
}

/** Bolt's types for the DataType of its caffe.proto. */
export const BOLT_TYPES: Readonly<Record<string, BoltDataType>> = {
  FLOAT32: "F32",
  FLOAT16: "F32",
  INT32: "I32",
  UINT32: "U32",
  INT8: "I8",
  UINT8: "U8",
};

function refuse(layer: CaffeLayer, problem: string): never {
  throw new BoltqError("unsupported", `Bolt's own X2bolt refuses it: ${problem}`, {
    subject: subjectOf(layer),
    remedy: "Convert without --as-bolt",
  });
}

function chosen<Result>(layer: CaffeLayer, table: Readonly<Record<string, Result>>, word: string): Result {
  return Object.hasOwn(table, word) ? table[word]! : refuse(layer, `${word} is not known`);
}

/** Both `_h` and `_w`, or the list. */
function pair(text: TextMessage, prefix: string, list: readonly number[], absent: number): readonly [number, number] {
  if (text.has(`${prefix}_h`) && text.has(`${prefix}_w`))
    return [text.integer(`${prefix}_h`, 0), text.integer(`${prefix}_w`, 0)];
  const height = list[0] ?? absent;
  return [height, list[1] ?? height];
}

const EMPTY_TIME: Values = { kernel_t: 1, stride_t: 1 };

function convolution(layer: CaffeLayer): Values {
  const text = layer.text.message("convolution_param");
  const outputs = text.integer("num_output", 0);
  const group = text.integer("group", 1);
  const [kernel_h, kernel_w] = pair(text, "kernel", text.integers("kernel_size"), 1);
  const [stride_h, stride_w] = pair(text, "stride", text.integers("stride"), 1);
  const dilation = text.integers("dilation")[0] ?? 1;
  return {
    ...EMPTY_TIME,
    num_outputs: outputs,
    num_outputs_origin: outputs,
    kernel_h,
    kernel_w,
    stride_h,
    stride_w,
    ...convolutionPadding(text),
    group,
    dilatedRate_t: 1,
    dilatedRate_h: dilation,
    dilatedRate_w: dilation,
    convolution_type: group !== 1 && group === outputs ? "DEPTHWISE" : "POINTWISE",
  };
}

function convolutionPadding(text: TextMessage): Values {
  if (text.has("pad_h") && text.has("pad_w")) return evenPadding(text.integer("pad_h", 0), text.integer("pad_w", 0));
  const [top = 0, bottom = top, left = top, right = top] = text.integers("pad");
  return { pad_top: top, pad_bottom: bottom, pad_left: left, pad_right: right };
}

function evenPadding(height: number, width: number): Values {
  return { pad_top: height, pad_bottom: height, pad_left: width, pad_right: width };
}

function deconvolution(layer: CaffeLayer): Values {
  const text = layer.text.message("convolution_param");
  const outputs = text.integer("num_output", 0);
  const group = text.integer("group", 1);
  if (group !== 1) refuse(layer, "group is not 1");
  const [kernel_h, kernel_w] = pair(text, "kernel", text.integers("kernel_size").slice(0, 1), 0);
  const [stride_h, stride_w] = pair(text, "stride", text.integers("stride").slice(0, 1), 1);
  const [height, width] = pair(text, "pad", text.integers("pad").slice(0, 1), 0);
  return {
    ...EMPTY_TIME,
    num_outputs: outputs,
    num_outputs_origin: outputs,
    kernel_h,
    kernel_w,
    stride_h,
    stride_w,
    ...evenPadding(height, width),
    group,
    dilatedRate_t: 1,
    dilatedRate_h: 1,
    dilatedRate_w: 1,
    convolution_type: "DECONVOLUTION",
    round_mode: "CEIL",
  };
}

function pooling(layer: CaffeLayer): Values {
  const text = layer.text.message("pooling_param");
  const whole = text.flag("global_pooling", false);
  const size = (prefix: string, list: string, absent: number) =>
    pair(text, prefix, text.integers(list).slice(-1), absent);
  const [kernel_h, kernel_w] = whole ? [0, 0] : size("kernel", "kernel_size", 0);
  const [stride_h, stride_w] = whole ? [1, 1] : size("stride", "stride", 1);
  const [height, width] = size("pad", "pad", 0);
  if (!whole && kernel_h < 1) refuse(layer, "it has no kernel");
  return {
    ...EMPTY_TIME,
    kernel_h,
    kernel_w,
    stride_h,
    stride_w,
    ...evenPadding(height, width),
    round_mode: text.word("round_mode", "CEIL", ROUND_MODES) === "FLOOR" ? "FLOOR" : "CEIL",
    mode: chosen(layer, { MAX: "MAX", AVE: "MEAN" }, text.word("pool", "MAX", POOL_METHODS)),
    count_include_pad: 1,
  };
}

function fullyConnected({ text }: CaffeLayer): Values {
  const outputs = text.message("inner_product_param").integer("num_output", 0);
  return { num_outputs: outputs, num_slices: 1, slice_point: [outputs] };
}

function batchNorm({ text }: CaffeLayer): Values {
  const stated = text.message("batch_norm_param");
  return {
    axis: stated.integer("axis", 1),
    eps: stated.float("eps", 1e-5),
    gama: 1,
    momentum: stated.float("moving_average_fraction", 0.999),
  };
}

const ELTWISE_MODES = { PROD: "PROD", SUM: "SUM", MAX: "MAX", DIV: "DIV" };

function eltwise(layer: CaffeLayer): Values {
  const text = layer.text.message("eltwise_param");
  const coefficients = text.floats("coeff");
  if (coefficients.some((coefficient) => coefficient !== 1)) refuse(layer, "a coefficient is not 1");
  return {
    mode: chosen(layer, ELTWISE_MODES, text.word("operation", "SUM", ELTWISE_OPERATIONS)),
    "sum_spec.coeff": coefficients,
    "sum_spec.num_coeff": coefficients.length,
    activation_type: "NULL",
  };
}

function embedding(name: string): (layer: CaffeLayer) => Values {
  return ({ text }) => {
    const stated = text.message(name);
    return {
      num_inputs: stated.integer("input_dim", 0),
      num_outputs: stated.integer("num_output", 0),
      bias_term: stated.flag("bias_term", true) ? 1 : 0,
      transpose: stated.flag("transpose", false) ? 1 : 0,
      ...(name === "embed_param" ? {} : { axis: stated.integer("axis", 1) }),
    };
  };
}

function power({ text }: CaffeLayer): Values {
  const stated = text.message("power_param");
  return { scale: stated.float("scale", 1), shift: stated.float("shift", 0), power: stated.float("power", 1) };
}

function flatten(layer: CaffeLayer): Values {
  const text = layer.text.message("flatten_param");
  if (text.integer("end_axis", -1) !== -1) refuse(layer, "end_axis is not -1");
  const kept = text.integer("axis", 1);
  const shape = [...new Array<number>(Math.min(7, Math.max(0, kept))).fill(0), -1];
  return { shape, num_shape: kept + 1, axis: 0, num_axes: -1 };
}

function reshape(layer: CaffeLayer): Values {
  const text = layer.text.message("reshape_param");
  const shape = listOf(layer, text.message("shape").integers("dim"), 8);
  return { shape, num_shape: shape.length, axis: text.integer("axis", 0), num_axes: text.integer("num_axes", -1) };
}

/** Bolt's files have room for so many. */
function listOf(layer: CaffeLayer, values: readonly number[], most: number): readonly number[] {
  return values.length <= most ? values : refuse(layer, `${values.length} numbers, where Bolt has room for ${most}`);
}

function slice(layer: CaffeLayer): Values {
  const text = layer.text.message("slice_param");
  const points = listOf(layer, text.integers("slice_point"), 8);
  return { slice_points: points, num_slice: points.length, axis: text.integer("axis", 1) };
}

function permute(layer: CaffeLayer): Values {
  const axes = listOf(layer, layer.text.message("permute_param").integers("order"), 8);
  return { axes, num_axes: axes.length };
}

function tile({ text }: CaffeLayer): Values {
  const stated = text.message("tile_param");
  const repeats = [stated.integer("tiles", 0), ...new Array<number>(7).fill(1)];
  return { repeats, num_repeats: 1, axis: stated.integer("axis", 1) };
}

function pad(layer: CaffeLayer): Values {
  const stated = layer.text.message("padding_param").integers("shape");
  if (stated.length < 4) refuse(layer, "padding_param has less than four sizes");
  const [top, bottom, left, right] = stated as [number, number, number, number];
  return { top, bottom, left, right, constant_value: 0, pad_mode: "CONSTANT" };
}

function lstm({ text }: CaffeLayer): Values {
  const stated = text.message("lstm_param");
  const steps = stated.integer("steps", -1);
  return {
    mode: "LSTM",
    num_outputs: stated.integer("num_output", 0),
    steps: steps === -2 ? 0 : steps,
    bi_direction: steps === -2 ? 1 : 0,
    num_projection: stated.integer("num_proj", 0),
    zoneout_cell: stated.float("zoneout_cell", 0),
    zoneout_output: stated.float("zoneout_output", 0),
    forget_bias: 1,
    activation_type: "TANH",
  };
}

function reduction(layer: CaffeLayer): Values {
  const text = layer.text.message("reduction_param");
  return {
    axes: [text.integer("axis", 0)],
    num_axes: 1,
    mode: chosen(layer, { SUM: "SUM", MEAN: "MEAN" }, text.word("operation", "SUM", REDUCTION_OPERATIONS)),
    coeff: text.float("coeff", 1),
    keep_dim: text.flag("keep_dim", false) ? 1 : 0,
  };
}

const axes =
  (name: string) =>
  ({ text }: CaffeLayer): Values => ({ axes: [text.message(name).integer("axis", 0)], num_axes: 1 });

const axis =
  (name: string, absent: number) =>
  ({ text }: CaffeLayer): Values => ({ axis: text.message(name).integer("axis", absent) });

function check(layer: CaffeLayer): Values {
  const modes = { EQUAL: "EQUAL", GREAT: "GREATER", GREATEQUAL: "GREATER_EQUAL" };
  const operation = layer.text.message("check_param").word("operation", "EQUAL", CHECK_OPERATIONS);
  return { mode: chosen(layer, modes, operation) };
}

function described(name: string): (layer: CaffeLayer, rules: BoltRules) => Values {
  return (layer, rules) => {
    const text = layer.text.message(name);
    const shape = listOf(layer, text.message("shape").integers("dim"), 6);
    const dataType = chosen(layer, BOLT_TYPES, text.word("data_type", "FLOAT32"));
    const desc = { dataType, dataFormat: defaultDataFormat(shape.length, rules), dimensions: [...shape].reverse() };
    return name === "shared_weight_param" ? { desc } : { desc, value: text.float("value", 0) };
  };
}

function copy({ text }: CaffeLayer): Values {
  const stated = text.message("copy_param");
  const dimensions = (side: string) =>
    ["batch_stride", "stride", "offset"].map((part) => stated.integer(`${side}_${part}`, 0));
  return { src_dims: dimensions("src"), dst_dims: dimensions("dst"), length: stated.integer("length", 0) };
}

function repeat({ text }: CaffeLayer): Values {
  const stated = text.message("repeat_param");
  return { loops: stated.integer("loops", 0), axis: stated.integer("axis", -1) };
}

function matMul({ text }: CaffeLayer): Values {
  const stated = text.message("matmul_param");
  const flag = (name: string) => (stated.flag(name, false) ? 1 : 0);
  return { transpose_a: flag("transpose_a"), transpose_b: flag("transpose_b") };
}

function attention({ text }: CaffeLayer): Values {
  const stated = text.message("attention_param");
  return Object.fromEntries(
    ["num_heads", "from_sequence_length", "to_sequence_length"].map((name) => [name, stated.integer(name, 0)]),
  );
}

function attentionMask({ text }: CaffeLayer): Values {
  const stated = text.message("attention_mask_param");
  return {
    attention_length: stated.integer("attention_length", -1),
    same_length: stated.flag("same_length", false) ? 1 : 0,
    mask: stated.float("mask", 10000),
  };
}

function relativeShift({ text }: CaffeLayer): Values {
  const stated = text.message("relative_shift_param");
  return { axis: stated.integer("axis", 1), shift_length: stated.integer("shift_length", 1) };
}

function priorBox(layer: CaffeLayer): Values {
  const text = layer.text.message("prior_box_param");
  const two = (name: string) => {
    const [first = 0, second = 0, ...more] = text.floats(name);
    return more.length === 0 ? [first, second] : refuse(layer, `${name} has more than two numbers`);
  };
  const variances = text.floats("variance");
  const size = text.integer("img_size", 0);
  const image = text.has("img_h") && text.has("img_w");
  const steps = text.has("step_h") && text.has("step_w");
  const step = text.float("step", 0);
  return {
    min_sizes: two("min_size"),
    max_sizes: two("max_size"),
    aspect_ratios: two("aspect_ratio"),
    flip: text.flag("flip", true) ? 1 : 0,
    clip: text.flag("clip", false) ? 1 : 0,
    variances:
      variances.length === 4
        ? variances
        : new Array<number>(4).fill(variances.length === 1 ? variances[0]! : Math.fround(0.1)),
    image_h: image ? text.integer("img_h", 0) : size,
    image_w: image ? text.integer("img_w", 0) : size,
    step_h: steps ? text.float("step_h", 0) : step,
    step_w: steps ? text.float("step_w", 0) : step,
    offset: text.float("offset", 0.5),
  };
}

function detectionOutput(layer: CaffeLayer): Values {
  const text = layer.text.message("detection_output_param");
  if (text.integer("background_label_id", 0) !== 0 || !text.flag("share_location", true))
    refuse(layer, "the background is not class 0, or classes have boxes of their own");
  const suppression = text.message("nms_param");
  return {
    num_class: text.integer("num_classes", 0),
    nms_threshold: suppression.float("nms_threshold", Math.fround(0.3)),
    nms_top_k: suppression.integer("top_k", 0),
    keep_top_k: text.integer("keep_top_k", -1) >>> 0,
    confidence_threshold: text.float("confidence_threshold", 0),
  };
}

function yoloDetectionOutput({ text }: CaffeLayer): Values {
  const stated = text.message("yolov3_detection_output_param");
  return {
    num_class: stated.integer("num_classes", 20),
    num_box: stated.integer("num_box", 3),
    confidence_threshold: stated.float("confidence_threshold", Math.fround(0.01)),
    nms_threshold: stated.float("nms_threshold", Math.fround(0.45)),
    biases: stated.floats("biases").slice(0, 18),
    anchors_scale: stated.integers("anchors_scale").slice(0, 3),
    mask_group_num: stated.integer("mask_group_num", 2),
    mask: stated.integers("mask").slice(0, 9),
  };
}

function exponential(layer: CaffeLayer): Values {
  const text = layer.text.message("exp_param");
  if (text.float("base", -1) !== -1 || text.float("scale", 1) !== 1 || text.float("shift", 0) !== 0)
    refuse(layer, "its base is not e, or it has a scale or shift");
  return {};
}

function clip({ text }: CaffeLayer): Values {
  const stated = text.message("clip_param");
  return { min: stated.float("min", 0), max: stated.float("max", 0) };
}

function interp({ text }: CaffeLayer): Values {
  const stated = text.message("interp_param");
  if (stated.has("zoom_factor")) {
    return {
      mode: "LINEAR",
      zoom_factor: stated.float("zoom_factor", 0),
      pad_begin: stated.integer("pad_beg", 0),
      pad_end: stated.integer("pad_end", 0),
    };
  }
  return { mode: "LINEAR", sizes: [stated.integer("height", 0), stated.integer("width", 0)], num_sizes: 2 };
}

const INTERPOLATIONS = { LINEAR: "LINEAR", NEAREST: "NEAREST", CUBIC: "CUBIC" };

function resize(layer: CaffeLayer): Values {
  const text = layer.text.message("resize_param");
  const [height, width] = [text.integer("height", 0), text.integer("width", 0)];
  const [rows, columns] = [text.integer("height_scale", 0), text.integer("width_scale", 0)];
  return {
    ...(height !== 0 && width !== 0 ? { sizes: [height, width], num_sizes: 2 } : {}),
    ...(rows !== 0 && columns !== 0 ? { scales: [rows, columns], num_scales: 2 } : {}),
    mode: chosen(layer, INTERPOLATIONS, text.word("interp_mode", "LINEAR", INTERPOLATION_MODES)),
    trans_mode: "ALIGN_CORNERS",
    round_mode: "FLOOR",
  };
}

function bilateralSlice(layer: CaffeLayer): Values {
  const whole = layer.text.message("bilateral_slice_apply_param").text("mode", "null") === "null";
  if (layer.bottoms.length !== (whole ? 3 : 2)) refuse(layer, "the number of its bottoms does not fit its mode");
  return { mode: whole ? "NULL" : "CONV" };
}

function convertColor(layer: CaffeLayer): Values {
  const text = layer.text.message("convert_color_param");
  return {
    src: text.text("src", "YUV_NV21").toUpperCase(),
    dst: text.text("dst", "RGB_0_255").toUpperCase(),
    dt: chosen(layer, BOLT_TYPES, text.word("dt", "UINT8")),
  };
}

function cumulative(layer: CaffeLayer): Values {
  const text = layer.text.message("cum_param");
  return {
    mode: chosen(layer, ELTWISE_MODES, text.word("operation", "SUM", ELTWISE_OPERATIONS)),
    exclusive: text.flag("exclusive", false) ? 1 : 0,
    reverse: text.flag("reverse", false) ? 1 : 0,
    axis: text.integer("axis", 0),
  };
}

function oneHot({ text }: CaffeLayer): Values {
  const stated = text.message("onehot_param");
  return {
    axis: stated.integer("axis", 0),
    depth: stated.integer("depth", 0),
    values: [stated.float("off_value", 0), stated.float("on_value", 1)],
  };
}

/** Every layer that Bolt's reader knows, by Caffe's type name (convert_caffe_type). */
export const BOLT_LAYERS: Readonly<Record<string, AsBolt>> = {
  Convolution: { type: "Conv", parameters: convolution, weighted: true },
  Deconvolution: { type: "Deconvolution", parameters: deconvolution, weighted: true },
  L2Norm: { type: "L2Norm" },
  BatchNorm: { type: "BatchNorm", parameters: batchNorm, weighted: true },
  Scale: { type: "Scale", parameters: axis("scale_param", 1), weighted: true },
  Eltwise: { type: "Eltwise", parameters: eltwise },
  InnerProduct: { type: "FC", parameters: fullyConnected, weighted: true },
  Pooling: { type: "Pooling", parameters: pooling },
  ReLU: {
    type: "Relu",
    parameters: ({ text }) => ({ neg_slope: text.message("relu_param").float("negative_slope", 0) }),
  },
  ReLU6: { type: "Relu6" },
  HSwish: { type: "HSwish" },
  Sigmoid: { type: "Sigmoid" },
  HSigmoid: { type: "HSigmoid" },
  Softmax: { type: "Softmax", parameters: axis("softmax_param", 1) },
  Concat: { type: "Concat", parameters: axis("concat_param", 1) },
  Embed: { type: "Embedding", parameters: embedding("embed_param"), weighted: true },
  Gelu: { type: "Gelu" },
  LayerNorm: { type: "LayerNorm", parameters: () => ({ axis: -1, eps: Math.fround(1e-6) }), weighted: true },
  MatMul: { type: "MatMul", parameters: matMul },
  Power: { type: "Power", parameters: power },
  Reshape: { type: "Reshape", parameters: reshape },
  Slice: { type: "Slice", parameters: slice },
  Attention: { type: "Attention", parameters: attention },
  LSTM: { type: "RNN", parameters: lstm, weighted: true },
  TanH: { type: "TanH" },
  SoftmaxWithLoss: { type: "SoftmaxWithLoss" },
  Squeeze: { type: "Squeeze", parameters: axes("squeeze_param") },
  Unsqueeze: { type: "Unsqueeze", parameters: axes("unsqueeze_param") },
  Reduction: { type: "Reduction", parameters: reduction },
  ArgMax: { type: "ArgMax", parameters: axis("argmax_param", 0) },
  PreAllocatedMemory: { type: "PreAllocatedMemory", parameters: described("preallocated_memory_param") },
  SharedWeight: { type: "SharedWeight", parameters: described("shared_weight_param"), weighted: true },
  Copy: { type: "Copy", parameters: copy },
  Check: { type: "Check", parameters: check },
  Repeat: { type: "Repeat", parameters: repeat },
  Interp: { type: "Resize", parameters: interp },
  Jump: { type: "Jump" },
  AttentionMask: { type: "AttentionMask", parameters: attentionMask },
  RelativePositionEmbed: {
    type: "RelativePositionEmbedding",
    parameters: embedding("relative_position_embed_param"),
    weighted: true,
  },
  RelativeShift: { type: "RelativeShift", parameters: relativeShift },
  Dropout: { type: "Dropout" },
  Flatten: { type: "Reshape", parameters: flatten },
  Permute: { type: "Transpose", parameters: permute },
  Clip: { type: "Clip", parameters: clip },
  PriorBox: { type: "PriorBox", parameters: priorBox },
  DetectionOutput: { type: "DetectionOutput", parameters: detectionOutput },
  LogSoftmax: { type: "LogSoftmax", parameters: axis("softmax_param", 1) },
  Yolov3DetectionOutput: { type: "Yolov3DetectionOutput", parameters: yoloDetectionOutput },
  Mish: { type: "Mish" },
  PReLU: { type: "PRelu", weighted: true },
  Tile: { type: "Tile", parameters: tile },
  Pad: { type: "Pad", parameters: pad },
  SoftPlus: { type: "Softplus" },
  Exp: { type: "Exp", parameters: exponential },
  AbsVal: { type: "Abs" },
  BilateralSliceApply: { type: "BilateralSliceApply", parameters: bilateralSlice },
  ConvertColor: { type: "ConvertColor", parameters: convertColor },
  Cum: { type: "Cum", parameters: cumulative },
  OneHot: { type: "OneHot", parameters: oneHot },
  LutPreprocess: { type: "LutPreprocess" },
  Lut: { type: "Lut" },
  Resize: { type: "Resize", parameters: resize },
};
