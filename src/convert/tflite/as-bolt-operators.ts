import { changedFloats } from "../../bolt/lazy-floats.ts";
import type { ParameterValue } from "../../bolt/parameters.ts";
import { elementCount } from "../../graph/tensor.ts";
import { type Bytes, NO_BYTES } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import { numbersOf } from "../../onnx/tensor-data.ts";
import { floatTensor, storedTensor } from "./constants.ts";
import { subjectOf, type TfliteOperator, type TfliteTensor } from "./read.ts";

/** What Bolt's reader makes of an operator. */
export interface AsBolt {
  readonly type: string;
  readonly parameters?: Readonly<Record<string, ParameterValue>>;
  /** How many of the inputs it keeps; default all. */
  readonly inputs?: number;
  readonly firstInput?: number;
  /** Weight and vector. */
  readonly weight?: readonly [Bytes, Bytes];
  /** Constants among the inputs that become shared weights. */
  readonly sharedWeights?: readonly number[];
  /** Number of the activation that becomes an operator of its own. */
  readonly activation?: number;
}

/** An operator that is being read. */
export interface Reading {
  readonly operator: TfliteOperator;
  readonly tensor: (index: number) => TfliteTensor;
  readonly result: TfliteTensor;
}

type Make = (reading: Reading) => AsBolt | Promise<AsBolt>;

function refuse({ operator }: Reading, problem: string): never {
  throw new BoltqError("unsupported", `Bolt's own X2bolt has no such operator: ${problem}`, {
    subject: subjectOf(operator),
    remedy: "Convert without --as-bolt",
  });
}

/** NHWC to NCHW; only of four axes and more. */
export function channelsFirst(values: readonly number[]): readonly number[] {
  return values.length < 4 ? values : [values[0]!, values.at(-1)!, ...values.slice(1, -1)];
}

/** A shape that is not stated counts as one of four axes. */
function firstAxis(axis: number, rank: number): number {
  const size = rank === 0 ? 4 : rank;
  const place = axis < 0 ? axis + size : axis;
  if (size < 4 || place === 0) return place;
  return place === size - 1 ? 1 : place + 1;
}

function constants({ operator, tensor }: Reading): number[] {
  return [...operator.inputs.keys()].filter(
    (index) => operator.inputs[index]! >= 0 && tensor(index).data !== undefined,
  );
}

async function numbers({ tensor }: Reading, index: number): Promise<number[]> {
  return Array.from(await numbersOf(storedTensor(tensor(index))));
}

function floats(reading: Reading, index: number, axes?: readonly number[]): Bytes {
  const tensor = reading.tensor(index);
  return tensor.type === "float32" ? floatTensor(tensor, axes).data : refuse(reading, `its weights are ${tensor.type}`);
}

async function option(reading: Reading, field: number, kind: "uint8" | "int32", absent = 0): Promise<number> {
  return (await reading.operator.options?.[kind](field, absent)) ?? absent;
}

async function activationOf(reading: Reading, field: number): Promise<number> {
  const code = await option(reading, field, "uint8");
  return [0, 1, 3].includes(code) ? code : refuse(reading, `the activation number ${code}`);
}

const MODES = ["NULL", "RELU", "NULL", "RELU6"];

/** SAME padding as Bolt's reader counts it. */
function samePads(kernel: number, size: number, stride: number): [number, number] {
  const half = Math.trunc((kernel - 1) / 2);
  const less = half !== 0 && size % 2 === 0 && stride % 2 === 0 ? 1 : 0;
  return [half - less, half + (kernel % 2 === 0 ? 1 : 0)];
}

const convolution: Make = async (reading) => {
  const deep = reading.operator.type === "DEPTHWISE_CONV_2D";
  const { shape } = reading.tensor(1);
  if (shape.length !== 4) refuse(reading, "its weights are not four-dimensional");
  const [kernelHeight, kernelWidth] = [shape[1]!, shape[2]!];
  const [strideWidth, strideHeight] = [await option(reading, 1, "int32"), await option(reading, 2, "int32")];
  const activation = MODES[await activationOf(reading, deep ? 4 : 3)]!;
  const map = reading.tensor(0).shape;
  const valid = (await option(reading, 0, "uint8")) === 1;
  const [top, bottom] = valid ? [0, 0] : samePads(kernelHeight, map[1]!, strideHeight);
  const [left, right] = valid ? [0, 0] : samePads(kernelWidth, map[2]!, strideWidth);
  const outputs = deep ? shape[3]! : shape[0]!;
  const multiplier = deep ? await option(reading, 3, "int32") : 1;
  const depthwise = deep && !(multiplier > 1 && multiplier === outputs);
  const dilation = deep ? 5 : 4;
  return {
    type: "Conv",
    inputs: 1,
    weight: [floats(reading, 1, [0, 3, 1, 2]), reading.operator.inputs.length === 3 ? floats(reading, 2) : NO_BYTES],
    parameters: {
      num_outputs: outputs,
      num_outputs_origin: outputs,
      kernel_t: 1,
      kernel_h: kernelHeight,
      kernel_w: kernelWidth,
      stride_t: 1,
      stride_h: strideHeight,
      stride_w: strideWidth,
      pad_top: top,
      pad_bottom: bottom,
      pad_left: left,
      pad_right: right,
      group: depthwise ? outputs : 1,
      dilatedRate_t: 1,
      dilatedRate_w: await option(reading, dilation, "int32", 1),
      dilatedRate_h: await option(reading, dilation + 1, "int32", 1),
      convolution_type: depthwise ? "DEPTHWISE" : "POINTWISE",
      dw_activation_type: depthwise ? activation : "NULL",
      pw_activation_type: depthwise ? "NULL" : activation,
    },
  };
};

const deconvolution: Make = async (reading) => {
  const { shape } = reading.tensor(1);
  if (shape.length !== 4 || reading.operator.inputs.length === 4) refuse(reading, "its weights, or its bias");
  const valid = (await option(reading, 0, "uint8")) === 1;
  const [width, height] = [await option(reading, 1, "int32"), await option(reading, 2, "int32")];
  const pads = (kernel: number, stride: number) => {
    const total = valid ? 0 : Math.max(0, kernel - stride);
    return [Math.trunc(total / 2), total - Math.trunc(total / 2)] as const;
  };
  const [[top, bottom], [left, right]] = [pads(shape[1]!, height), pads(shape[2]!, width)];
  return {
    type: "Deconvolution",
    inputs: 1,
    firstInput: 2,
    weight: [floats(reading, 1, [3, 0, 1, 2]), NO_BYTES],
    parameters: {
      num_outputs: shape[0]!,
      num_outputs_origin: shape[0]!,
      kernel_t: 1,
      kernel_h: shape[1]!,
      kernel_w: shape[2]!,
      stride_t: 1,
      stride_h: height,
      stride_w: width,
      pad_top: top,
      pad_bottom: bottom,
      pad_left: left,
      pad_right: right,
      group: 1,
      dilatedRate_t: 1,
      dilatedRate_h: 1,
      dilatedRate_w: 1,
      convolution_type: "DECONVOLUTION",
      round_mode: valid ? "TF_VALID" : "TF_SAME",
    },
  };
};

const pooling: Make = async (reading) => {
  const map = reading.tensor(0).shape;
  if (map.length !== 4) refuse(reading, "a pooling of other than four dimensions");
  const [width, height] = [await option(reading, 1, "int32"), await option(reading, 2, "int32")];
  const [kernelWidth, kernelHeight] = [await option(reading, 3, "int32"), await option(reading, 4, "int32")];
  const same = (await option(reading, 0, "uint8")) === 0;
  const pads = (size: number, kernel: number, stride: number) => {
    const total = same ? Math.max(0, (Math.trunc((size + stride - 1) / stride) - 1) * stride + kernel - size) : 0;
    return [Math.trunc(total / 2), total - Math.trunc(total / 2)] as const;
  };
  const [[top, bottom], [left, right]] = [pads(map[1]!, kernelHeight, height), pads(map[2]!, kernelWidth, width)];
  return {
    type: "Pooling",
    inputs: 1,
    activation: await activationOf(reading, 5),
    parameters: {
      kernel_t: 1,
      kernel_h: kernelHeight,
      kernel_w: kernelWidth,
      stride_t: 1,
      stride_h: height,
      stride_w: width,
      pad_top: top,
      pad_bottom: bottom,
      pad_left: left,
      pad_right: right,
      round_mode: same ? "TF_SAME" : "TF_VALID",
      mode: reading.operator.type === "MAX_POOL_2D" ? "MAX" : "MEAN",
    },
  };
};

/** A mean over two axes is taken for one over the map. */
const reduction: Make = async (reading) => {
  const stated = await numbers(reading, 1);
  const mean = reading.operator.type === "MEAN";
  if (mean && stated.length === 2) {
    if (stated.join() !== "1,2" || reading.tensor(0).shape.length !== 4)
      refuse(reading, "a mean over other axes than the map's");
    const parameters = { kernel_t: 1, stride_t: 1, stride_h: 1, stride_w: 1, round_mode: "CEIL", mode: "MEAN" };
    return { type: "Pooling", inputs: 1, parameters };
  }
  const axes = stated.map((axis) => firstAxis(axis, reading.tensor(0).shape.length));
  const mode = mean ? "MEAN" : reading.operator.type === "SUM" ? "SUM" : "MAX";
  return { type: "Reduction", inputs: 1, parameters: { axes, num_axes: axes.length, mode, coeff: 1, keep_dim: 0 } };
};

const ELTWISE: Readonly<Record<string, string>> = { ADD: "SUM", SUB: "SUB", MUL: "PROD", DIV: "DIV", MAXIMUM: "MAX" };

/** One number makes a Power, a vector a Scale, all else an Eltwise. */
const arithmetic: Make = async (reading) => {
  const { operator, tensor } = reading;
  const held = constants(reading);
  const firstInput =
    operator.type === "MUL"
      ? Math.max(
          0,
          [...operator.inputs.keys()].findIndex((index) => !held.includes(index)),
        )
      : 0;
  const activated = operator.type === "ADD" || operator.type === "MUL" ? await activationOf(reading, 0) : 0;
  const constant = held[0];
  if (constant !== undefined && elementCount(tensor(constant).shape) === 1) {
    const [value = 0] = await numbers(reading, constant);
    const changes: Readonly<Record<string, Record<string, number>>> = {
      ADD: { shift: value },
      SUB: { shift: -value },
      MUL: { scale: value },
      DIV: { scale: 1 / value },
    };
    const activation = operator.type === "ADD" ? activated : 0;
    const parameters = { scale: 1, shift: 0, power: 1, ...changes[operator.type] };
    return { type: "Power", inputs: 1, firstInput, activation, parameters };
  }
  if (constant !== undefined && tensor(constant).shape.length <= 1)
    return scale(reading, constant, firstInput, activated);
  const sum = operator.type === "ADD" ? { "sum_spec.coeff": [1, 1], "sum_spec.num_coeff": 2 } : {};
  const parameters = { mode: ELTWISE[operator.type]!, activation_type: MODES[activated]!, ...sum };
  return { type: "Eltwise", firstInput, parameters, sharedWeights: held };
};

function scale(reading: Reading, constant: number, firstInput: number, activated: number): AsBolt {
  const { type } = reading.operator;
  const data = floats(reading, constant);
  const changed = (change: (value: number) => number) =>
    changedFloats(data, (values) => {
      for (const [index, value] of values.entries()) values[index] = change(value);
    });
  const weights: Readonly<Record<string, readonly [Bytes, Bytes]>> = {
    ADD: [NO_BYTES, data],
    SUB: [NO_BYTES, changed((value) => -value)],
    MUL: [data, NO_BYTES],
    DIV: [changed((value) => 1 / value), NO_BYTES],
  };
  const activation = type === "ADD" ? activated : 0;
  return { type: "Scale", inputs: 1, firstInput, activation, weight: weights[type]!, parameters: { axis: 1 } };
}

const fullyConnected: Make = async (reading) => {
  const held = constants(reading);
  if (!held.includes(1)) refuse(reading, "a product of two computed matrices");
  const outputs = reading.tensor(1).shape[0]!;
  const bias = held.find((index) => index !== held[0]);
  return {
    type: "FC",
    inputs: 1,
    activation: await activationOf(reading, 0),
    weight: [floats(reading, held[0]!), bias === undefined ? NO_BYTES : floats(reading, bias)],
    parameters: { num_outputs: outputs, num_slices: 1, slice_point: [outputs] },
  };
};

const concat: Make = async (reading) => {
  const pack = reading.operator.type === "PACK";
  const axis = await option(reading, pack ? 1 : 0, "int32");
  return {
    type: "Concat",
    activation: pack ? 0 : await activationOf(reading, 1),
    sharedWeights: constants(reading),
    parameters: { axis: firstAxis(axis, reading.result.shape.length) },
  };
};

const reshape: Make = async (reading) => {
  const one = reading.operator.inputs.length === 1;
  const stated = one ? ((await reading.operator.options?.int32s(0)) ?? []) : await numbers(reading, 1);
  if (stated.length > 8) refuse(reading, "more than eight sizes");
  return {
    type: "Reshape",
    inputs: 1,
    parameters: { shape: channelsFirst(stated), num_shape: stated.length, axis: 8, num_axes: -1 },
  };
};

const transpose: Make = async (reading) => {
  const dims = await numbers(reading, 1);
  const axes = dims.map((axis) => firstAxis(axis, dims.length));
  return { type: "Transpose", inputs: 1, parameters: { axes, num_axes: axes.length } };
};

const softmax: Make = async (reading) => {
  if (((await reading.operator.options?.float(0)) ?? 0) !== 1) refuse(reading, "a beta other than 1");
  return { type: "Softmax", parameters: { axis: firstAxis(-1, reading.tensor(0).shape.length) } };
};

const resize =
  (mode: string, flag: number): Make =>
  async (reading) => {
    const corners = (await option(reading, flag, "uint8")) !== 0;
    const parameters = {
      sizes: await numbers(reading, 1),
      num_sizes: 2,
      mode,
      trans_mode: corners ? "ALIGN_CORNERS" : "ASYMMETRIC",
      round_mode: "FLOOR",
    };
    return { type: "Resize", inputs: 1, parameters };
  };

const slice: Make = async (reading) => {
  const strided = reading.operator.type === "STRIDED_SLICE";
  const begin = await numbers(reading, 1);
  const bound = await numbers(reading, 2);
  const bits = async (field: number) => {
    const mask = strided ? await option(reading, field, "int32") : 0;
    return channelsFirst(begin.map((_, axis) => (mask >> axis) & 1));
  };
  return {
    type: "TfSlice",
    inputs: 1,
    parameters: {
      begin: channelsFirst(begin),
      end: channelsFirst(strided ? bound : bound.map((size, axis) => begin[axis]! + size)),
      strides: channelsFirst(strided ? await numbers(reading, 3) : begin.map(() => 1)),
      begin_mask: await bits(0),
      end_mask: await bits(1),
      ellipsis_mask: await bits(2),
      new_axis_mask: await bits(3),
      shrink_axis_mask: await bits(4),
      num_dims: begin.length,
    },
  };
};

const pad: Make = async (reading) => {
  const data = await numbers(reading, 1);
  if (data.length !== 8 && data.length !== 6) refuse(reading, "padding of other than three or four axes");
  const [top, bottom] = [data[2]!, data[3]!];
  const sides =
    data.length === 8
      ? { left: data[4]!, right: data[5]!, front: data[6]!, back: data[7]! }
      : { front: data[4]!, back: data[5]! };
  const pad_mode = reading.operator.type === "PAD" ? "CONSTANT" : "REFLECT";
  return { type: "Pad", inputs: 1, parameters: { top, bottom, ...sides, pad_mode } };
};

const power =
  (change: Readonly<Record<string, number>>): Make =>
  () => ({ type: "Power", inputs: 1, parameters: { scale: 1, shift: 0, power: 1, ...change } });

const pow: Make = async (reading) =>
  power({ power: (await numbers(reading, constants(reading)[0] ?? 1))[0] ?? 1 })(reading);

const squeeze: Make = async (reading) => {
  const stated = (await reading.operator.options?.int32s(0)) ?? [];
  const axes = stated.map((axis) => firstAxis(axis, reading.tensor(0).shape.length));
  return { type: "Squeeze", parameters: { axes, num_axes: axes.length } };
};

const split: Make = async (reading) => {
  const [axis = 0] = await numbers(reading, 0);
  const parts = await option(reading, 0, "int32");
  const parameters = { axis: firstAxis(axis, reading.tensor(1).shape.length), num_slice: parts - 1 };
  return { type: "Slice", inputs: 1, firstInput: 1, parameters };
};

const leakyRelu: Make = async ({ operator }) => ({
  type: "Relu",
  parameters: { neg_slope: (await operator.options?.float(0)) ?? 0 },
});

const prelu: Make = (reading) => ({ type: "PRelu", inputs: 1, weight: [floats(reading, 1), NO_BYTES] });

const maximum: Make = (reading) =>
  constants(reading).length === 0 ? arithmetic(reading) : refuse(reading, "a limit that it reads as a byte");

const plain =
  (type: string): Make =>
  () => ({ type });

const passed: Make = () => ({ type: "Slice", inputs: 1, parameters: { num_slice: 0, axis: 0 } });

/** What Bolt's reader knows, and can be written as it does (convert_tflite_type). */
const MAKES: Readonly<Record<string, Make>> = {
  CONV_2D: convolution,
  DEPTHWISE_CONV_2D: convolution,
  TRANSPOSE_CONV: deconvolution,
  MAX_POOL_2D: pooling,
  AVERAGE_POOL_2D: pooling,
  MEAN: reduction,
  SUM: reduction,
  REDUCE_MAX: reduction,
  ADD: arithmetic,
  SUB: arithmetic,
  MUL: arithmetic,
  DIV: arithmetic,
  MAXIMUM: maximum,
  FULLY_CONNECTED: fullyConnected,
  CONCATENATION: concat,
  PACK: concat,
  RESHAPE: reshape,
  TRANSPOSE: transpose,
  SOFTMAX: softmax,
  RESIZE_BILINEAR: resize("LINEAR", 2),
  RESIZE_NEAREST_NEIGHBOR: resize("NEAREST", 0),
  SLICE: slice,
  STRIDED_SLICE: slice,
  PAD: pad,
  MIRROR_PAD: pad,
  SQRT: power({ power: 0.5 }),
  RSQRT: power({ power: -0.5 }),
  NEG: power({ scale: -1 }),
  POW: pow,
  SQUEEZE: squeeze,
  SPLIT: split,
  RELU: () => ({ type: "Relu", parameters: { neg_slope: 0 } }),
  LEAKY_RELU: leakyRelu,
  RELU6: plain("Relu6"),
  PRELU: prelu,
  LOGISTIC: plain("Sigmoid"),
  TANH: plain("TanH"),
  HARD_SWISH: plain("HSwish"),
  ABS: plain("Abs"),
  EXP: plain("Exp"),
  SHAPE: plain("Shape"),
  L2_NORMALIZATION: plain("L2Norm"),
  QUANTIZE: passed,
  FAKE_QUANT: passed,
};

/** What Bolt's reader makes of an operator. Throws BoltqError `unsupported` where it refuses, or that is not known. */
export async function asBolt(reading: Reading): Promise<AsBolt> {
  const make = Object.hasOwn(MAKES, reading.operator.type) ? MAKES[reading.operator.type]! : undefined;
  return make === undefined ? refuse(reading, reading.operator.type) : make(reading);
}
