import type { BoltDataType } from "../../bolt/data-type.ts";
import type { BoltModel, BoltNode, BoltWeight } from "../../bolt/model.ts";
import { readWeightValues } from "../../bolt/weight-values.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { OnnxValue } from "../../onnx/model.ts";
import { tensorOf } from "../../onnx/tensor-data.ts";
import { activate } from "./activations.ts";
import {
  channelsOf,
  convolutionAttributes,
  convolvedShape,
  groupOf,
  isDepthwise,
  raiseDeconvolution,
  raiseConvolution as raiseFloatConvolution,
  windowOf,
} from "./convolution.ts";
import { asRows, factorsOf, fromRows, fullyConnectedOf, productShape } from "./matrix.ts";
import { atLeast, dequantize, type Quantized, quantize, ZERO_POINT, zeroPoint } from "./quantized-value.ts";
import type { RaiseContext, RaiseState } from "./raise-context.ts";
import { transposed } from "./shape-operators.ts";
import { int8Tensor, vectorValues } from "./weights.ts";

/** Header types of networks whose labelled operators compute in int8. */
const INT8_NETWORKS: ReadonlySet<BoltDataType> = new Set(["I8", "I4", "F32_8Q", "F16_8Q"]);

/** Labels of an operator: -1 int8 out, -2 float out, 0 not quantized, positive: a static scale. */
const FLOAT_OUTPUT = -2;
const FLOAT_INSIDE = -3;

const LARGEST_LEVEL = 127;

/** Whether `node` computes in int8, or hands int8 numbers on, when `model` runs. */
export function computesInInt8(model: BoltModel, node: BoltNode): boolean {
  const { scales } = node.data;
  if (!INT8_NETWORKS.has(model.dataType) || scales.length === 0) return false;
  const last = scales[scales.length - 1]?.[0] ?? 0;
  return !(scales.length === 1 && last === 0) && last !== FLOAT_INSIDE;
}

/** The stored static scale of input `index`, or undefined where it is found while the model runs. */
function inputScale(node: BoltNode, index: number): number | undefined {
  const { scales } = node.data;
  return scales.length > 1 ? positive(scales[index]?.[0]) : undefined;
}

function outputScale(node: BoltNode): number | undefined {
  const { scales } = node.data;
  return positive(scales[scales.length - 1]?.[0]);
}

function positive(scale: number | undefined): number | undefined {
  return scale !== undefined && scale > 0 && Number.isFinite(scale) ? scale : undefined;
}

/** The result of an int8 operator: float where its label says so, else quantized again per tensor. */
function defineResult(context: RaiseContext, result: OnnxValue): void {
  const { node, state } = context;
  const label = node.data.scales[node.data.scales.length - 1]?.[0];
  if (label === FLOAT_OUTPUT) {
    state.define(node.output(), result);
    return;
  }
  const output = node.output();
  state.defineQuantized(output, quantize(state.builder, result, outputScale(node), `${state.nameOf(output)}/int8`));
}

/**
 * What the integer sums stand for: (sum + round(bias × scales)) / scales, as Bolt's kernels compute it: the scale of
 * the sums is that of the input times that of the weight, and the bias is rounded to it.
 */
function rescaled(context: RaiseContext, sums: OnnxValue, step: OnnxValue, bias: OnnxValue | undefined): OnnxValue {
  const float = context.cast(sums, "float32", "sums");
  if (bias === undefined) return context.add("Mul", [float, step], { suffix: "real" });
  const levels = context.add(
    "Round",
    [context.add("Div", [bias, step], { suffix: "biasLevels", shape: bias.type!.shape! })],
    {
      suffix: "biasRounded",
    },
  );
  const biased = context.add("Add", [float, levels], { suffix: "biased" });
  return context.add("Mul", [biased, step], { suffix: "real" });
}

/** Weights as int8 with what one level is worth: as stored, or quantized here as Bolt's engine does on loading. */
async function int8Weight(
  record: BoltWeight,
  shape: readonly number[],
): Promise<{ readonly tensor: Tensor; readonly step: number }> {
  const scale = record.scales[0]?.[0];
  if (record.dataType === "I8" && scale !== undefined) {
    return { tensor: int8Tensor(record, shape), step: stepOf(scale) };
  }
  const values = await readWeightValues(record);
  const count = shape.reduce((product, size) => product * size, 1);
  if (record.dataType === "I4" && scale !== undefined) {
    const step = stepOf(scale);
    return {
      tensor: tensorOf(
        "int8",
        shape,
        Int8Array.from(values.subarray(0, count), (value) => Math.round(value / step)),
      ),
      step,
    };
  }
  let largest = 0;
  for (let index = 0; index < count; index++) largest = Math.max(largest, Math.abs(values[index]!));
  const found = largest === 0 ? 1 : Math.fround(LARGEST_LEVEL / largest);
  return { tensor: tensorOf("int8", shape, quantizedLevels(values.subarray(0, count), found)), step: 1 / found };
}

function stepOf(scale: number): number {
  return Number.isFinite(scale) && scale > 0 ? 1 / scale : 1;
}

function quantizedLevels(values: Float32Array, scale: number): Int8Array {
  return Int8Array.from(values, (value) => {
    const level = roundHalfEven(Math.fround(value * scale));
    return Math.min(Math.max(level, -LARGEST_LEVEL), LARGEST_LEVEL);
  });
}

function roundHalfEven(value: number): number {
  const shift = 6755399441055744;
  return value + shift - shift;
}

async function raiseConvolution(context: RaiseContext): Promise<void> {
  if (isDepthwise(context) || context.parameters.name("convolution_type") === "DEPTHWISE_POINTWISE") {
    // Bolt computes a depthwise convolution in float even where it is labelled.
    context.define(await raiseFloatConvolution(context));
    return;
  }
  const { node, state, parameters, name } = context;
  const input = state.quantized(node.input(0), inputScale(node, 0));
  const shape = context.shapeOf(input.value);
  const outputs = parameters.number("num_outputs");
  const group = groupOf(context, input.value);
  const window = windowOf(context, shape.length);
  const { tensor, step } = await int8Weight(context.weight, [
    outputs,
    channelsOf(context, input.value) / group,
    ...window.kernel,
  ]);
  const weight = context.builder.constant(`${name}/weight`, tensor);
  const sums = context.add("ConvInteger", [input.value, weight, zeroPoint(context.builder, name)], {
    suffix: "convInteger",
    attributes: convolutionAttributes(context, window, group),
    type: "int32",
    shape: convolvedShape(shape, outputs, window, parameters.name("round_mode")),
  });
  const bias = await vectorValues(context.record, outputs);
  const biasShape = [outputs, ...window.kernel.map(() => 1)];
  const real = rescaled(
    context,
    sums,
    sumStep(context, input.step, step),
    bias === undefined ? undefined : context.floats("bias", bias, biasShape),
  );
  const added = context.inputCount > 1 ? context.add("Add", [real, context.input(1)], { suffix: "added" }) : real;
  defineResult(context, activate(context, added, parameters.name("pw_activation_type")));
}

/** What one level of the integer sums is worth. */
function sumStep(context: RaiseContext, inputStep: OnnxValue, weightStep: number): OnnxValue {
  return context.add("Mul", [inputStep, context.scalar("weightStep", weightStep)], { suffix: "sumStep", shape: [] });
}

async function raiseFullyConnected(context: RaiseContext): Promise<void> {
  const { node, state, name } = context;
  const input = state.quantized(node.input(0), inputScale(node, 0));
  const layer = fullyConnectedOf(context, input.value);
  const { tensor, step } = await int8Weight(context.weight, [layer.outputs, layer.depth]);
  const weight = transposed(context, context.builder.constant(`${name}/weight`, tensor), [1, 0], "weightTransposed");
  const rows = asRows(context, input.value, layer);
  const sums = context.add("MatMulInteger", [rows, weight, zeroPoint(context.builder, name)], {
    suffix: "matMulInteger",
    type: "int32",
    shape: [context.shapeOf(rows)[0], layer.outputs],
  });
  const bias = await vectorValues(context.record, layer.outputs);
  const real = rescaled(
    context,
    sums,
    sumStep(context, input.step, step),
    bias === undefined ? undefined : context.floats("bias", bias),
  );
  defineResult(context, fromRows(context, real, layer));
}

function raiseMatMul(context: RaiseContext): void {
  const { node, state, name } = context;
  const quantized = [0, 1].map((index) => state.quantized(node.input(index), inputScale(node, index)));
  const [left, right] = factorsOf(
    context,
    quantized.map(({ value }) => value),
  );
  const zero = zeroPoint(context.builder, name);
  const sums = context.add("MatMulInteger", [left, right, zero, zero], {
    suffix: "matMulInteger",
    type: "int32",
    shape: productShape(context.shapeOf(left!), context.shapeOf(right!)),
  });
  const step = context.add("Mul", [quantized[0]!.step, quantized[1]!.step], { suffix: "sumStep", shape: [] });
  const bias = context.inputCount > 2 ? context.input(2) : undefined;
  defineResult(context, rescaled(context, sums, step, bias));
}

/** The float operator on the numbers that the int8 levels stand for. */
async function raiseQuantizedDeconvolution(context: RaiseContext): Promise<void> {
  const { node, state } = context;
  const quantized = state.quantized(node.input(0), inputScale(node, 0));
  const real = dequantize(state.builder, quantized, `${context.name}/input`);
  defineResult(context, await raiseDeconvolution(context, real));
}

function raiseQuantizeLinear(context: RaiseContext): void {
  const { node, state } = context;
  const input = node.input(0);
  const quantized =
    state.alreadyQuantized(input) ??
    quantize(state.builder, state.plain(input), outputScale(node), `${state.nameOf(node.output())}/int8`);
  state.defineQuantized(node.output(), quantized);
}

/** Raises one node and puts its outputs in the state, as levels or as numbers. */
type Int8Raise = (context: RaiseContext) => void | Promise<void>;

/** int8 operators of a quantized network. */
export const INT8_OPERATORS: Readonly<Record<string, Int8Raise>> = {
  Conv: raiseConvolution,
  FC: raiseFullyConnected,
  MatMul: raiseMatMul,
  Deconvolution: raiseQuantizedDeconvolution,
  QuantizeLinear: raiseQuantizeLinear,
};

/** Operators that only move numbers: they work on the levels as on floats. */
const MOVING: ReadonlySet<string> = new Set([
  "Reshape",
  "Flatten",
  "Squeeze",
  "Unsqueeze",
  "Transpose",
  "Slice",
  "Split",
  "TfSlice",
  "Dropout",
  "Tile",
  "Expand",
  "Space2Depth",
  "Depth2Space",
]);

/** The int8 input that a labelled operator hands on, moved; undefined for operators that must compute in float. */
export function movedLevels(state: RaiseState, node: BoltNode): Quantized | undefined {
  const moves = MOVING.has(node.type) || (node.type === "Pooling" && node.data.parameters.name("mode") === "MAX");
  return moves && node.inputs.length === 1 ? state.alreadyQuantized(node.input(0)) : undefined;
}

/** A ReLU on the levels: nothing below zero's level. Undefined when the input is not int8 or the slope is not 0. */
export function rectifiedLevels(state: RaiseState, node: BoltNode): Quantized | undefined {
  if (node.type !== "Relu" || node.data.parameters.number("neg_slope") !== 0) return undefined;
  const input = state.alreadyQuantized(node.input(0));
  if (input === undefined) return undefined;
  return { ...input, value: atLeast(state.builder, input.value, ZERO_POINT, `${node.name}/relu`) };
}
