import type { Enumeration } from "./enumerations.ts";
import type { BoltVersion } from "./version.ts";

/** How one element of a field is stored. An enumeration is an unsigned 32-bit number; `TensorDesc` is a struct. */
export type FieldKind = "u32" | "i32" | "f32" | "i8" | "bool" | "char" | "TensorDesc" | Enumeration;

/** One field of a parameter struct. */
export interface Field<Name extends string = string> {
  readonly name: Name;
  readonly kind: FieldKind;
  /** Elements; 1 for a plain field. */
  readonly count: number;
  /** First version whose files have the field. */
  readonly since: number;
  /** First version whose files lack it again. */
  readonly until: number;
  /** What a file without the field means. */
  readonly absent: number;
}

type Options = { count?: number; since?: number; until?: number; absent?: number };

function field<const Name extends string>(name: Name, kind: FieldKind, options: Options = {}): Field<Name> {
  return { name, kind, count: 1, since: 0, until: Number.POSITIVE_INFINITY, absent: 0, ...options };
}

/** Several fields of one kind. */
function fields<const Name extends string>(kind: FieldKind, ...names: Name[]): Field<Name>[] {
  return names.map((name) => field(name, kind));
}

function list<const Name extends string>(name: Name, kind: FieldKind, count: number): Field<Name> {
  return field(name, kind, { count });
}

/** Several arrays of one kind and length. */
function lists<const Name extends string>(kind: FieldKind, count: number, ...names: Name[]): Field<Name>[] {
  return names.map((name) => list(name, kind, count));
}

function prefixed<const Prefix extends string, Name extends string>(
  prefix: Prefix,
  layout: readonly Field<Name>[],
): Field<`${Prefix}.${Name}`>[] {
  return layout.map((part) => ({ ...part, name: `${prefix}.${part.name}` as const }));
}

function numbered<const Prefix extends string, Name extends string>(
  prefix: Prefix,
  count: number,
  layout: readonly Field<Name>[],
): Field<`${Prefix}[${number}].${Name}`>[] {
  return Array.from({ length: count }, (_, index) => prefixed(`${prefix}[${index}]` as const, layout)).flat();
}

const AXIS = [field("axis", "i32")];
const DESCRIPTION = [field("desc", "TensorDesc")];
const AXES = [list("axes", "i32", 8), field("num_axes", "i32")];
const CONCAT = fields("i32", "axis", "num_concat");

/** The union of a Relu's slope and a Clip's limits; the first number is both `neg_slope` and `min`. */
const ACTIVATION_SPEC = fields("f32", "activation_spec.min", "activation_spec.max");

const CONVOLUTION = [
  ...fields("u32", "num_outputs", "kernel_t", "kernel_h", "kernel_w", "stride_t", "stride_h", "stride_w"),
  ...fields("u32", "pad_before", "pad_after", "pad_top", "pad_bottom", "pad_left", "pad_right", "group"),
  ...fields("u32", "dilatedRate_t", "dilatedRate_h", "dilatedRate_w", "num_outputs_origin"),
  field("convolution_type", "ConvolutionMode"),
  ...fields("ActivationMode", "dw_activation_type", "pw_activation_type"),
  ...ACTIVATION_SPEC,
  field("round_mode", "RoundMode"),
  field("output_pad_t", "u32", { since: 20211021 }),
  field("output_pad_h", "u32", { since: 20211021 }),
  field("output_pad_w", "u32", { since: 20211021 }),
];

const POOLING = [
  ...fields("u32", "kernel_t", "kernel_h", "kernel_w", "stride_t", "stride_h", "stride_w"),
  ...fields("u32", "pad_before", "pad_after", "pad_top", "pad_bottom", "pad_left", "pad_right"),
  field("round_mode", "RoundMode"),
  field("mode", "PoolingMode"),
  field("count_include_pad", "bool", { since: 20220126 }),
];

const FULLY_CONNECTED = [...fields("u32", "num_outputs", "num_slices"), list("slice_point", "i32", 32)];
const POWER = fields("f32", "scale", "shift", "power");
const RESHAPE = [list("shape", "i32", 8), ...fields("i32", "num_shape", "axis", "num_axes")];
const EMBEDDING = [
  ...fields("u32", "num_inputs", "num_outputs"),
  ...fields("bool", "bias_term", "transpose"),
  field("axis", "i32"),
];
const ELTWISE = [
  field("mode", "EltwiseMode"),
  list("sum_spec.coeff", "f32", 8),
  field("sum_spec.num_coeff", "i32"),
  field("activation_type", "ActivationMode"),
  ...ACTIVATION_SPEC,
];
const RANDOM_SHAPE = [list("shape", "i32", 8), field("num_shape", "i32")];

/**
 * The parameter struct of every operator that has one, field by field in file order (parameter_spec.h of tags v1.2.1,
 * v1.3.0 and of today). Alignment follows C: see `structOf`.
 */
const FIELDS_OF = {
  Input: [field("desc", "TensorDesc", { since: 20220831 })],
  Conv: CONVOLUTION,
  Deconvolution: CONVOLUTION,
  FC: FULLY_CONNECTED,
  RNN: [
    field("mode", "RNNMode"),
    field("num_outputs", "u32"),
    ...fields("i32", "steps", "num_projection"),
    ...fields("f32", "zoneout_cell", "zoneout_output"),
    field("bi_direction", "bool"),
    field("forget_bias", "f32"),
    field("activation_type", "ActivationMode"),
  ],
  MatMul: fields("bool", "transpose_a", "transpose_b"),
  Resize: [
    list("sizes", "u32", 2),
    list("scales", "f32", 4),
    ...fields("u32", "num_sizes", "num_scales"),
    field("mode", "ResizeMode"),
    field("trans_mode", "CoordinateTransMode"),
    field("round_mode", "RoundMode"),
    field("zoom_factor", "f32", { since: 20220817 }),
    field("pad_begin", "i32", { since: 20220817 }),
    field("pad_end", "i32", { since: 20220817 }),
  ],
  BilateralSliceApply: [
    field("coefficient", "u32", { until: 20220817 }),
    field("mode", "BilateralSliceApplyMode"),
    field("has_offset", "bool", { until: 20220817 }),
  ],
  Pooling: POOLING,
  UnPooling: POOLING,
  Scale: CONCAT,
  BatchNorm: [field("axis", "i32"), ...fields("f32", "eps", "gama", "momentum")],
  LayerNorm: [field("axis", "i32", { since: 20211021, absent: -1 }), field("eps", "f32", { since: 20211021 })],
  Reduction: [...AXES, field("mode", "ReductionMode"), field("coeff", "f32"), field("keep_dim", "bool")],
  ArgMax: AXIS,
  Softmax: AXIS,
  LogSoftmax: AXIS,
  Clip: fields("f32", "min", "max"),
  Power: POWER,
  Relu: fields("f32", "neg_slope"),
  Elu: fields("f32", "neg_slope"),
  Gather: [
    field("data_desc", "TensorDesc", { until: 20220831 }),
    field("index_desc", "TensorDesc", { until: 20220831 }),
    field("axis", "i32"),
    field("index_scalar", "bool", { until: 20220831 }),
    field("element_level", "bool"),
    field("batch_dims", "i32"),
  ],
  Embedding: EMBEDDING,
  RelativePositionEmbedding: EMBEDDING,
  Pad: [
    ...fields("u32", "before", "after", "front", "back", "top", "bottom", "left", "right"),
    field("constant_value", "f32"),
    field("pad_mode", "PadMode"),
  ],
  Eltwise: ELTWISE,
  Concat: CONCAT,
  Slice: [list("slice_points", "i32", 8), field("num_slice", "u32"), field("axis", "i32")],
  TfSlice: [
    list("begin", "i32", 8),
    list("end", "i32", 8),
    list("strides", "i32", 8),
    ...lists("i8", 8, "begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"),
    field("num_dims", "u32"),
  ],
  Cast: [field("dt", "DataType")],
  Transpose: [list("axes", "u32", 8), field("num_axes", "u32"), field("df", "DataFormat", { since: 20220126 })],
  Reshape: RESHAPE,
  Squeeze: AXES,
  Unsqueeze: AXES,
  Space2Depth: fields("i32", "block_size"),
  Depth2Space: [field("block_size", "i32"), list("mode", "char", 8)],
  ChannelResize: [list("symmetric", "char", 128), ...fields("i32", "group", "channel_before", "channel_after")],
  PreAllocatedMemory: [...DESCRIPTION, field("value", "f32", { since: 20211021 })],
  SharedWeight: DESCRIPTION,
  Copy: [list("src_dims", "i32", 3), list("dst_dims", "i32", 3), field("length", "i32")],
  Check: [field("mode", "CheckMode")],
  Repeat: fields("i32", "loops", "axis"),
  Attention: fields("u32", "num_heads", "from_sequence_length", "to_sequence_length"),
  AttentionMask: [field("attention_length", "i32"), field("mask", "f32"), field("same_length", "bool")],
  RelativeShift: fields("i32", "axis", "shift_length"),
  PriorBox: [
    ...lists("f32", 2, "min_sizes", "max_sizes", "aspect_ratios"),
    ...fields("u32", "flip", "clip"),
    list("variances", "f32", 4),
    ...fields("u32", "image_h", "image_w"),
    ...fields("f32", "step_h", "step_w", "offset"),
  ],
  DetectionOutput: [
    field("num_class", "u32"),
    field("nms_threshold", "f32"),
    ...fields("u32", "nms_top_k", "keep_top_k"),
    field("confidence_threshold", "f32"),
  ],
  Yolov3DetectionOutput: [
    ...fields("u32", "num_class", "num_box"),
    ...fields("f32", "confidence_threshold", "nms_threshold"),
    list("biases", "f32", 18),
    list("anchors_scale", "u32", 3),
    field("mask_group_num", "u32"),
    list("mask", "u32", 9),
  ],
  MultiHeadAttention: [
    ...numbered("fc_desc", 6, FULLY_CONNECTED),
    ...prefixed("power_spec", POWER),
    list("eltwiseWithLayerNormIn", "bool", 2),
    field("activation_type", "ActivationMode"),
    ...numbered("reshapeDesc", 4, RESHAPE),
    ...numbered("eltwiseDesc", 2, ELTWISE),
  ],
  Tile: [list("repeats", "i32", 8), ...fields("i32", "num_repeats", "axis")],
  Splice: [list("context", "i32", 8), ...fields("i32", "num_context", "index_min", "index_max")],
  Tdnn: [
    list("context", "i32", 8),
    ...fields("i32", "num_context", "num_outputs"),
    field("activation_type", "ActivationMode"),
    ...ACTIVATION_SPEC,
  ],
  TopK: fields("i32", "axis", "largest", "sorted", "k"),
  Where: [
    field("condition_desc", "TensorDesc", { until: 20211021 }),
    field("y_desc", "TensorDesc", { until: 20211021 }),
  ],
  Expand: RANDOM_SHAPE,
  InstanceNorm: [field("eps", "f32"), ...fields("i32", "axis", "axis_dim")],
  Scatter: [
    field("data_desc", "TensorDesc", { until: 20220831 }),
    field("index_desc", "TensorDesc", { until: 20220831 }),
    field("update_desc", "TensorDesc", { until: 20220831 }),
    field("axis", "i32"),
  ],
  Equal: fields("bool", "invert"),
  GenerateProposals: [
    ...fields("i32", "angle_bound_hi", "angle_bound_lo", "angle_bound_on"),
    field("clip_angle_thresh", "f32"),
    field("legacy_plus_one", "i32"),
    ...fields("f32", "min_size", "nms_thresh"),
    ...fields("i32", "post_nms_topN", "pre_nms_topN"),
    field("spatial_scale", "f32"),
  ],
  RoIAlign: [
    field("trans_mode", "CoordinateTransMode"),
    field("mode", "PoolingMode"),
    ...fields("u32", "output_h", "output_w"),
    field("sampling_ratio", "i32"),
    field("spatial_scale", "f32"),
  ],
  GAT: [field("num_heads", "u32"), field("activation_type", "ActivationMode"), list("activation_value", "f32", 4)],
  QuantizeLinear: [field("axis", "i32"), field("dt", "DataType")],
  Random: [
    field("mode", "RandomMode", { since: 20220817, absent: 1 }),
    field("dt", "DataType"),
    list("value", "f32", 2),
    field("seed", "f32"),
    ...RANDOM_SHAPE,
  ],
  Cum: [
    field("mode", "EltwiseMode", { since: 20220817 }),
    ...fields("bool", "exclusive", "reverse"),
    field("axis", "bool", { until: 20220817 }),
    field("axis", "i32", { since: 20220817 }),
  ],
  GridSample: [
    field("mode", "ResizeMode"),
    field("pad_mode", "PadMode"),
    field("constant_value", "f32"),
    field("align_corners", "bool"),
  ],
  OneHot: [...fields("i32", "axis", "depth"), list("values", "f32", 2)],
  NonMaxSuppression: [
    field("center_point_box", "i32"),
    field("max_output_boxes_per_class", "u32"),
    ...fields("f32", "iou_threshold", "score_threshold"),
  ],
  ConstantOfShape: [
    field("dt", "DataType", { since: 20211021, absent: 6 }),
    field("value", "f32", { since: 20211021 }),
  ],
  Range: [field("dt", "DataType"), ...fields("f32", "start", "limit", "delta")],
  Einsum: [
    ...lists("char", 8, "equation_r", "equation_l", "equation_o"),
    ...fields("i32", "num_equation_r", "num_equation_l", "num_equation_o"),
  ],
  Flatten: AXIS,
  ConvertColor: [...fields("ColorSpace", "src", "dst"), field("dt", "DataType")],
};

/** The fields of an operator's parameters, in file order. */
export const PARAMETER_FIELDS: Readonly<Record<string, readonly Field<ParameterName>[]>> = FIELDS_OF;

/** The name of a field of some operator's parameters. */
export type ParameterName = (typeof FIELDS_OF)[keyof typeof FIELDS_OF][number]["name"];

/** A field with its place in the struct. */
export interface PlacedField extends Field<ParameterName> {
  readonly offset: number;
  /** Bytes of one element. */
  readonly size: number;
}

/** A parameter struct of one operator at one version. */
export interface StructLayout {
  readonly operator: string;
  readonly version: BoltVersion;
  readonly fields: ReadonlyMap<ParameterName, PlacedField>;
  /** Bytes in the file. */
  readonly size: number;
}

/** Most dimensions that a TensorDesc has room for. */
export function maximumDimensions(version: BoltVersion): number {
  return version < 20220831 ? 6 : 20;
}

const layouts = new Map<string, StructLayout>();

/**
 * The layout of `operator`'s parameters in files of `version`. Elements of 4 bytes start at multiples of 4; a struct of
 * single bytes is rounded up to 4 from version 20211021 on (get_operator_parameter_size).
 */
export function structOf(operator: string, version: BoltVersion): StructLayout {
  const key = `${operator} ${version}`;
  const known = layouts.get(key);
  if (known !== undefined) return known;
  const layout = place(operator, version);
  layouts.set(key, layout);
  return layout;
}

function place(operator: string, version: BoltVersion): StructLayout {
  const placed = new Map<ParameterName, PlacedField>();
  let offset = 0;
  let alignment = 1;
  for (const part of Object.hasOwn(PARAMETER_FIELDS, operator) ? (PARAMETER_FIELDS[operator] ?? []) : []) {
    if (version < part.since || version >= part.until) continue;
    const size = sizeOf(part.kind, version);
    const unit = size === 1 ? 1 : 4;
    alignment = Math.max(alignment, unit);
    offset = Math.ceil(offset / unit) * unit;
    placed.set(part.name, { ...part, offset, size });
    offset += size * part.count;
  }
  const rounding = version === 20201120 ? alignment : 4;
  return { operator, version, fields: placed, size: Math.ceil(offset / rounding) * rounding };
}

function sizeOf(kind: FieldKind, version: BoltVersion): number {
  if (kind === "bool" || kind === "char" || kind === "i8") return 1;
  return kind === "TensorDesc" ? 12 + 4 * maximumDimensions(version) : 4;
}
