import type { OnnxValue } from "../../../onnx/model.ts";
import { samePads, transposedWindow } from "../../channels-last/windows.ts";
import type { OperatorContext, OperatorTable } from "../operator-context.ts";
import { activated } from "./activations.ts";

/** Padding of the schema: 0 SAME, 1 VALID. */
const VALID = 1;

type Pair = readonly [number, number];

function padsOf(context: OperatorContext, valid: boolean, kernel: Pair, stride: Pair, dilation: Pair): number[] {
  return valid ? [0, 0, 0, 0] : samePads(context.shape().slice(2), kernel, stride, dilation);
}

async function pairOf(context: OperatorContext, height: number, width: number, absent = 0): Promise<Pair> {
  const options = context.operator.options;
  const pair: Pair = [
    (await options?.int32(height, absent)) ?? absent,
    (await options?.int32(width, absent)) ?? absent,
  ];
  if (pair.some((size) => size < 1))
    context.fail("format", `${pair.join(" x ")} is no valid stride, dilation or window`);
  return pair;
}

/** Stated, or that of the three operators that were one. */
async function dilationOf(context: OperatorContext, height: number, width: number, valid: boolean): Promise<Pair> {
  const stated = await pairOf(context, height, width, 1);
  const { dilation } = context.operator;
  if (dilation === undefined) return stated;
  if (!valid || stated.join() !== "1,1")
    context.fail("unsupported", "a dilated convolution written like this cannot be converted");
  return dilation.factors;
}

async function isValid(context: OperatorContext): Promise<boolean> {
  if (context.shape().length !== 4) context.fail("format", "it wants a map of four dimensions");
  return ((await context.operator.options?.uint8(0)) ?? 0) === VALID;
}

/** Weights are outputs × height × width × inputs. */
async function convolution(context: OperatorContext): Promise<OnnxValue> {
  const valid = await isValid(context);
  const stride = await pairOf(context, 2, 1);
  const dilation = await dilationOf(context, 5, 4, valid);
  const [outputs, height, width, inputs] = fourSizes(context, 1);
  const channels = context.shape()[1]!;
  if (outputs < 1 || inputs < 1 || channels % inputs !== 0)
    context.fail("format", `weights for ${inputs} channels do not fit ${channels}`);
  const weight = context.isConstant(1) ? context.weight(1, [0, 3, 1, 2]) : context.input(1);
  const value = context.add("Conv", [context.input(), weight, ...context.bias(2)], {
    attributes: {
      kernel_shape: [height, width],
      strides: stride,
      dilations: dilation,
      pads: context.operator.dilation?.pads ?? padsOf(context, valid, [height, width], stride, dilation),
      group: channels / inputs,
    },
  });
  return activated(context, value, 3);
}

function fourSizes(context: OperatorContext, index: number): [number, number, number, number] {
  const { shape } = context.tensor(index);
  return shape.length === 4
    ? (shape as unknown as [number, number, number, number])
    : context.fail("format", "its weights are not four-dimensional");
}

/** Weights are 1 × height × width × outputs. */
async function depthwise(context: OperatorContext): Promise<OnnxValue> {
  const valid = await isValid(context);
  const stride = await pairOf(context, 2, 1);
  const dilation = await dilationOf(context, 6, 5, valid);
  const [one, height, width, outputs] = fourSizes(context, 1);
  const channels = context.shape()[1]!;
  if (one !== 1 || outputs % channels !== 0)
    context.fail("format", `weights for ${outputs} outputs do not fit ${channels} channels`);
  if (!context.isConstant(1)) context.fail("unsupported", "weights that are computed cannot be converted");
  const weight = context.weight(1, [3, 0, 1, 2]);
  const value = context.add("Conv", [context.input(), weight, ...context.bias(2)], {
    attributes: {
      kernel_shape: [height, width],
      strides: stride,
      dilations: dilation,
      pads: context.operator.dilation?.pads ?? padsOf(context, valid, [height, width], stride, dilation),
      group: channels,
    },
  });
  return activated(context, value, 4);
}

/** Inputs are the size of the result, weights (outputs × height × width × inputs), the map, and maybe a bias. */
async function transposeConvolution(context: OperatorContext): Promise<OnnxValue> {
  const map = context.input(2);
  const valid = ((await context.operator.options?.uint8(0)) ?? 0) === VALID;
  const stride = await pairOf(context, 2, 1);
  const [, height, width] = fourSizes(context, 1);
  const size = (await context.constantIntegers(0)).slice(1, 3);
  const kernel = [height, width];
  const value = context.add("ConvTranspose", [map, context.weight(1, [3, 0, 1, 2]), ...context.bias(3)], {
    attributes: {
      kernel_shape: kernel,
      strides: stride,
      ...transposedWindow(context.shape(map).slice(2), kernel, stride, size, valid),
    },
  });
  return activated(context, value, 3);
}

/** How MediaPipe's own transposed convolution states that its padding is VALID. */
const CUSTOM_VALID = 2;

/** MediaPipe's, with the bias beside: three int32 state padding, stride along the width, and along the height. */
async function transposeConvolutionWithBias(context: OperatorContext): Promise<OnnxValue> {
  const bytes = await context.operator.customOptions?.read();
  if (bytes === undefined || bytes.length < 12) return context.fail("format", "its padding and stride are missing");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stride = [view.getInt32(8, true), view.getInt32(4, true)] as const;
  if (stride.some((step) => step < 1)) return context.fail("format", `it has the stride ${stride.join(" x ")}`);
  const [, height, width] = fourSizes(context, 1);
  const kernel = [height, width];
  const map = context.input(0);
  const size = context.result().shape.slice(1, 3);
  const valid = view.getInt32(0, true) === CUSTOM_VALID;
  return context.add("ConvTranspose", [map, context.weight(1, [3, 0, 1, 2]), ...context.bias(2)], {
    attributes: {
      kernel_shape: kernel,
      strides: stride,
      ...transposedWindow(context.shape(map).slice(2), kernel, stride, size, valid),
    },
  });
}

const pooling = (type: string) => async (context: OperatorContext) => {
  const valid = await isValid(context);
  const stride = await pairOf(context, 2, 1);
  const window = await pairOf(context, 4, 3);
  const pads = padsOf(context, valid, window, stride, [1, 1]);
  const value = context.add(type, [context.input()], { attributes: { kernel_shape: window, strides: stride, pads } });
  return activated(context, value, 5);
};

/** Everything behind the first axes is one row; weights are outputs × inputs. */
async function fullyConnected(context: OperatorContext): Promise<OnnxValue> {
  const options = context.operator.options;
  if (((await options?.uint8(1)) ?? 0) !== 0) context.fail("unsupported", "shuffled weights cannot be converted");
  const [outputs, inputs] = context.tensor(1).shape as [number, number];
  if (inputs === undefined || inputs < 1) context.fail("format", "its weights are no matrix");
  const last = context.last(context.input());
  const shape = context.shape(last);
  const count = shape.reduce((product, size) => product * size, 1);
  if (count % inputs !== 0) context.fail("format", `rows of ${inputs} do not fit ${shape.join(" x ")}`);
  const rows = context.reshaped(last, [count / inputs, inputs], "rows");
  const weight = context.isConstant(1) ? context.weight(1) : context.input(1);
  const product = context.add("Gemm", [rows, weight, ...context.bias(2)], { attributes: { transB: 1 } });
  const kept = ((await options?.uint8(2)) ?? 0) !== 0;
  const value = kept ? context.first(context.reshaped(product, [...shape.slice(0, -1), outputs])) : product;
  return activated(context, value, 0);
}

export const WINDOWS: OperatorTable = {
  CONV_2D: convolution,
  DEPTHWISE_CONV_2D: depthwise,
  TRANSPOSE_CONV: transposeConvolution,
  "CUSTOM Convolution2DTransposeBias": transposeConvolutionWithBias,
  AVERAGE_POOL_2D: pooling("AveragePool"),
  MAX_POOL_2D: pooling("MaxPool"),
  FULLY_CONNECTED: fullyConnected,
};
