import type { OnnxValue } from "../../onnx/model.ts";
import type { AttributeInit } from "../../onnx/node-data.ts";
import { activate } from "./activations.ts";
import type { RaiseContext, RaiseTable } from "./raise-context.ts";
import { vectorValues, weightTensor } from "./weights.ts";

/** Sizes along each spatial axis, outermost first. */
interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padsBefore: readonly number[];
  readonly padsAfter: readonly number[];
}

/** Fields of a convolution's or pooling's window by axis: time, height, width. */
const AXES = [
  { kernel: "kernel_t", stride: "stride_t", dilation: "dilatedRate_t", before: "pad_before", after: "pad_after" },
  { kernel: "kernel_h", stride: "stride_h", dilation: "dilatedRate_h", before: "pad_top", after: "pad_bottom" },
  { kernel: "kernel_w", stride: "stride_w", dilation: "dilatedRate_w", before: "pad_left", after: "pad_right" },
] as const;

/** The fields that matter for an input of `rank`: Bolt calls the only axis of a 3-D tensor height. */
const AXES_OF_RANK: Readonly<Record<number, readonly (typeof AXES)[number][]>> = {
  3: [AXES[1]],
  4: [AXES[1], AXES[2]],
  5: AXES,
};

/** The window of the operator for an input of `rank`. Throws `unsupported` for ranks other than 3, 4 and 5. */
export function windowOf(context: RaiseContext, rank: number): Window {
  const axes = AXES_OF_RANK[rank] ?? context.fail("unsupported", `its input has ${rank} dimensions`);
  const { parameters } = context;
  const all = (field: keyof (typeof AXES)[number]) =>
    axes.map((axis) => (parameters.has(axis[field]) ? parameters.number(axis[field]) : 1));
  return {
    kernel: all("kernel"),
    strides: all("stride"),
    dilations: all("dilation"),
    padsBefore: all("before"),
    padsAfter: all("after"),
  };
}

/** Attributes of Conv for a window; the rounding modes named SAME replace the pads. */
export function convolutionAttributes(
  context: RaiseContext,
  window: Window,
  group: number,
): Record<string, AttributeInit> {
  const rounding = context.parameters.name("round_mode");
  const padding: Record<string, AttributeInit> =
    rounding === "SAME_UPPER" || rounding === "SAME_LOWER"
      ? { auto_pad: rounding }
      : { pads: [...window.padsBefore, ...window.padsAfter] };
  return { kernel_shape: window.kernel, strides: window.strides, dilations: window.dilations, group, ...padding };
}

/** A convolution in float, with the activations it has fused. */
export async function raiseConvolution(context: RaiseContext): Promise<OnnxValue> {
  const { parameters } = context;
  const input = context.input();
  const depthwise = await raiseDepthwisePart(context, input);
  if (depthwise !== undefined) return depthwise;
  const outputs = parameters.number("num_outputs");
  const group = groupOf(context, input);
  const window = windowOf(context, context.shapeOf(input).length);
  const channels = channelsOf(context, input);
  const weight = context.builder.constant(
    `${context.name}/weight`,
    weightTensor(context.weight, [outputs, channels / group, ...window.kernel]),
  );
  const { scale, bias } = await vectorOf(context, outputs);
  const convolved = convolve(context, input, weight, scale === undefined ? bias : undefined, { group, window });
  const scaled = scale === undefined ? convolved : rescale(context, convolved, scale, bias);
  const added = context.inputCount > 1 ? context.add("Add", [scaled, context.input(1)], { suffix: "added" }) : scaled;
  const mode = isDepthwise(context) ? "dw_activation_type" : "pw_activation_type";
  return activate(context, added, parameters.name(mode));
}

export function isDepthwise(context: RaiseContext): boolean {
  return context.parameters.name("convolution_type") === "DEPTHWISE";
}

export function groupOf(context: RaiseContext, input: OnnxValue): number {
  return isDepthwise(context) ? channelsOf(context, input) : Math.max(1, context.parameters.number("group"));
}

/** Channels of an NCHW input. Throws `unsupported` when unknown. */
export function channelsOf(context: RaiseContext, input: OnnxValue): number {
  const channels = context.shapeOf(input)[1];
  return typeof channels === "number" ? channels : context.fail("unsupported", "the number of its channels is unknown");
}

/** Bias, and for one-bit weights the factor per channel that precedes it. */
async function vectorOf(
  context: RaiseContext,
  outputs: number,
): Promise<{ scale: Float32Array | undefined; bias: Float32Array | undefined }> {
  const record = context.weight;
  const oneBit = record.dataType === "BIN01" || record.dataType === "BIN11";
  const values = await vectorValues(record, oneBit ? 2 * outputs : outputs);
  if (!oneBit) return { scale: undefined, bias: values };
  return { scale: values?.subarray(0, outputs), bias: values?.subarray(outputs) };
}

function convolve(
  context: RaiseContext,
  input: OnnxValue,
  weight: OnnxValue,
  bias: Float32Array | undefined,
  { group, window }: { group: number; window: Window },
): OnnxValue {
  return context.add("Conv", [input, weight, ...(bias === undefined ? [] : [context.floats("bias", bias)])], {
    suffix: "conv",
    attributes: convolutionAttributes(context, window, group),
  });
}

function rescale(
  context: RaiseContext,
  value: OnnxValue,
  scale: Float32Array,
  bias: Float32Array | undefined,
): OnnxValue {
  const shape = [
    scale.length,
    ...context
      .shapeOf(value)
      .slice(2)
      .map(() => 1),
  ];
  const scaled = context.add("Mul", [value, context.floats("scale", scale, shape)], { suffix: "scaled" });
  return bias === undefined
    ? scaled
    : context.add("Add", [scaled, context.floats("bias", bias, shape)], { suffix: "biased" });
}

/** A depthwise convolution with a pointwise one behind it in one operator; undefined for all other kinds. */
async function raiseDepthwisePart(context: RaiseContext, input: OnnxValue): Promise<OnnxValue | undefined> {
  const { parameters, name } = context;
  if (parameters.name("convolution_type") !== "DEPTHWISE_POINTWISE") return undefined;
  const channels = channelsOf(context, input);
  const outputs = parameters.number("num_outputs");
  const rank = context.shapeOf(input).length;
  const window = windowOf(context, rank);
  const depthwiseShape = [channels, 1, ...window.kernel];
  const count = depthwiseShape.reduce((product, size) => product * size, 1);
  const vector = await vectorValues(context.record, channels + outputs);
  const depthwise = convolve(
    context,
    input,
    context.builder.constant(`${name}/depthwise`, weightTensor(context.weight, depthwiseShape)),
    vector?.subarray(0, channels),
    { group: channels, window },
  );
  const ones = window.kernel.map(() => 1);
  const between = activate(context, depthwise, parameters.name("dw_activation_type"));
  const pointwise = context.add(
    "Conv",
    [
      between,
      context.builder.constant(`${name}/pointwise`, weightTensor(context.weight, [outputs, channels, ...ones], count)),
      ...(vector === undefined ? [] : [context.floats("bias", vector.subarray(channels))]),
    ],
    { suffix: "pointwise", attributes: { kernel_shape: ones } },
  );
  return activate(context, pointwise, parameters.name("pw_activation_type"));
}

const OUTPUT_PADS = ["output_pad_t", "output_pad_h", "output_pad_w"] as const;

/** Transposed convolution; the weight is input channels × output channels per group × kernel. */
export async function raiseDeconvolution(
  context: RaiseContext,
  input: OnnxValue = context.input(),
): Promise<OnnxValue> {
  const { parameters } = context;
  const channels = channelsOf(context, input);
  const rank = context.shapeOf(input).length;
  const window = windowOf(context, rank);
  const group = Math.max(1, parameters.number("group"));
  const outputs = parameters.number("num_outputs");
  const same = parameters.name("round_mode") === "TF_SAME";
  const extra = OUTPUT_PADS.slice(rank === 3 ? 1 : 5 - rank, rank === 3 ? 2 : 3).map((field) =>
    parameters.has(field) ? parameters.number(field) : 0,
  );
  const sizes = context.staticShapeOf(input).slice(2);
  const padding: Record<string, AttributeInit> = same
    ? { auto_pad: "SAME_UPPER", output_shape: sizes.map((size, axis) => size * window.strides[axis]!) }
    : { pads: [...window.padsBefore, ...window.padsAfter], output_padding: extra };
  const weight = context.builder.constant(
    `${context.name}/weight`,
    weightTensor(context.weight, [channels, outputs / group, ...window.kernel]),
  );
  const bias = await vectorValues(context.record, outputs);
  const result = context.add(
    "ConvTranspose",
    [input, weight, ...(bias === undefined ? [] : [context.floats("bias", bias)])],
    {
      suffix: "conv",
      attributes: {
        kernel_shape: window.kernel,
        strides: window.strides,
        dilations: window.dilations,
        group,
        ...padding,
      },
    },
  );
  return activate(context, result, parameters.name("pw_activation_type"));
}

export const CONVOLUTIONS: RaiseTable = {
  Conv: raiseConvolution,
  Deconvolution: (context) => raiseDeconvolution(context),
};
