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
  raiseDeconvolution,
  raiseConvolution as raiseFloatConvolution,
  windowOf,
} from "./convolution.ts";
import { asRows, factorsOf, fromRows, fullyConnectedOf, productShape } from "./matrix.ts";
import { dequantize, type Quantized, quantize } from "./quantized-value.ts";
import type { RaiseContext, RaiseState } from "./raise-context.ts";
import { levelTensor, vectorValues } from "./weights.ts";

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
  const last = lastLabel(node) ?? 0;
  return !(scales.length === 1 && last === 0) && last !== FLOAT_INSIDE;
}

function lastLabel(node: BoltNode): number | undefined {
  const { scales } = node.data;
  return scales[scales.length - 1]?.[0];
}

/** The stored static scale of input `index`, or undefined where it is found while the model runs. */
function inputScale(node: BoltNode, index: number): number | undefined {
  const { scales } = node.data;
  return scales.length > 1 ? positive(scales[index]?.[0]) : undefined;
}

function outputScale(node: BoltNode): number | undefined {
  return positive(lastLabel(node));
}

function positive(scale: number | undefined): number | undefined {
  return scale !== undefined && scale > 0 && Number.isFinite(scale) ? scale : undefined;
}

function quantizedInput(context: RaiseContext, index = 0): Quantized {
  const { node, state } = context;
  return state.quantized(node.input(index), inputScale(node, index));
}

/** Sums of products of levels, and what one is worth. */
interface Sums {
  readonly value: OnnxValue;
  readonly step: OnnxValue;
  readonly fixedStep: number | undefined;
}

/** Activations that mean the same on sums as on real numbers. */
const SCALE_FREE: ReadonlySet<string> = new Set(["NULL", "RELU"]);

/** Puts out what the sums stand for: as numbers where the operator's label says so, else quantized per tensor again. */
function defineSums(context: RaiseContext, sums: Sums, activation = "NULL"): void {
  const { node, state } = context;
  const early = SCALE_FREE.has(activation) && (context.inputCount === 1 || node.type === "MatMul");
  const activated = early ? activate(context, sums.value, activation) : sums.value;
  const name = `${state.nameOf(node.output())}/int8`;
  if (early && lastLabel(node) !== FLOAT_OUTPUT) {
    const scale = outputScale(node);
    if (scale === undefined || sums.fixedStep !== undefined) {
      const inner = quantize(state.builder, activated, {
        name,
        scale: scale === undefined ? undefined : scale * sums.fixedStep!,
        nonNegative: activation === "RELU",
      });
      state.defineQuantized(node.output(), scaledBy(context, inner, sums, scale));
      return;
    }
  }
  const real = context.add("Mul", [activated, sums.step], { suffix: "real" });
  defineReal(context, early ? real : activate(context, withAddend(context, real), activation));
}

/** Levels of sums as levels of real numbers. */
function scaledBy(context: RaiseContext, inner: Quantized, sums: Sums, scale: number | undefined): Quantized {
  const fixedStep = scale === undefined ? undefined : Math.fround(1 / scale);
  const step =
    fixedStep === undefined
      ? context.add("Mul", [inner.step, sums.step], { suffix: "outputStep", shape: [] })
      : context.scalar("outputStep", fixedStep);
  return { levels: inner.levels, step, fixedStep };
}

/** The second input of a convolution: a tensor to add before the activation. */
function withAddend(context: RaiseContext, real: OnnxValue): OnnxValue {
  const adds = context.node.type === "Conv" && context.inputCount > 1;
  return adds ? context.add("Add", [real, context.input(1)], { suffix: "added" }) : real;
}

function defineReal(context: RaiseContext, real: OnnxValue): void {
  const { node, state } = context;
  const output = node.output();
  if (lastLabel(node) === FLOAT_OUTPUT) {
    state.define(output, real);
  } else {
    const name = `${state.nameOf(output)}/int8`;
    state.defineQuantized(output, quantize(state.builder, real, { name, scale: outputScale(node) }));
  }
}

/** Weights as levels with what one is worth: int8 as stored, or made here as Bolt's engine does on loading. */
async function weightLevels(
  record: BoltWeight,
  shape: readonly number[],
): Promise<{ readonly tensor: Tensor; readonly step: number }> {
  const scale = record.scales[0]?.[0];
  if (record.dataType === "I8" || record.dataType === "I4") {
    return { tensor: levelTensor(record, shape), step: stepOf(scale) };
  }
  const count = shape.reduce((product, size) => product * size, 1);
  const values = (await readWeightValues(record)).subarray(0, count);
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  const found = largest === 0 ? 1 : Math.fround(LARGEST_LEVEL / largest);
  return { tensor: tensorOf("float32", shape, levelsOf(values, found)), step: 1 / found };
}

function stepOf(scale: number | undefined): number {
  return scale !== undefined && Number.isFinite(scale) && scale > 0 ? 1 / scale : 1;
}

/** Adding and subtracting 1.5 × 2^52 rounds a double to a whole number, halves to even. */
const ROUNDING_SHIFT = 6755399441055744;

function levelsOf(values: Float32Array, scale: number): Float32Array {
  const levels = new Float32Array(values.length);
  for (let index = 0; index < values.length; index++) {
    const level = Math.fround(values[index]! * scale) + ROUNDING_SHIFT - ROUNDING_SHIFT;
    levels[index] = Math.min(Math.max(level, -LARGEST_LEVEL), LARGEST_LEVEL);
  }
  return levels;
}

/** The step of sums: that of the input times that of the weight. */
function sumStep(context: RaiseContext, input: Quantized, weightStep: number): Omit<Sums, "value"> {
  const fixedStep = input.fixedStep === undefined ? undefined : Math.fround(input.fixedStep * weightStep);
  const step =
    fixedStep === undefined
      ? context.add("Mul", [input.step, context.scalar("weightStep", weightStep)], { suffix: "sumStep", shape: [] })
      : context.scalar("sumStep", fixedStep);
  return { step, fixedStep };
}

/** A bias in units of the sums, rounded as Bolt does; a constant where the step is. */
function biasLevels(
  context: RaiseContext,
  bias: Float32Array,
  shape: readonly number[],
  { step, fixedStep }: Omit<Sums, "value">,
): OnnxValue {
  if (fixedStep === undefined) {
    const levels = context.add("Div", [context.floats("bias", bias, shape), step], { suffix: "biasLevels", shape });
    return context.add("Round", [levels], { suffix: "biasRounded" });
  }
  return context.floats(
    "bias",
    bias.map((value) => roundHalfAway(value / fixedStep)),
    shape,
  );
}

function roundHalfAway(value: number): number {
  return Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
}

/** The operator with its bias: inside it where that is constant (which is faster), behind it otherwise. */
function summed(
  context: RaiseContext,
  input: Quantized,
  weightStep: number,
  bias: Float32Array | undefined,
  biasShape: readonly number[],
  operate: (bias: OnnxValue | undefined) => OnnxValue,
): Sums {
  const scaling = sumStep(context, input, weightStep);
  if (bias === undefined) return { value: operate(undefined), ...scaling };
  if (scaling.fixedStep !== undefined) {
    return { value: operate(biasLevels(context, bias, [bias.length], scaling)), ...scaling };
  }
  const levels = biasLevels(context, bias, biasShape, scaling);
  return { value: context.add("Add", [operate(undefined), levels], { suffix: "biased" }), ...scaling };
}

async function raiseConvolution(context: RaiseContext): Promise<void> {
  const { parameters, name } = context;
  if (parameters.name("convolution_type").startsWith("DEPTHWISE")) {
    // Bolt computes a depthwise convolution in float even where it is labelled.
    defineReal(context, await raiseFloatConvolution(context));
    return;
  }
  const input = quantizedInput(context);
  const shape = context.shapeOf(input.levels);
  const outputs = parameters.number("num_outputs");
  const group = groupOf(context, input.levels);
  const window = windowOf(context, shape.length);
  const channels = channelsOf(context, input.levels) / group;
  const { tensor, step } = await weightLevels(context.weight, [outputs, channels, ...window.kernel]);
  const weight = context.builder.constant(`${name}/weight`, tensor);
  const bias = await vectorValues(context.record, outputs);
  const biasShape = [outputs, ...window.kernel.map(() => 1)];
  const sums = summed(context, input, step, bias, biasShape, (constantBias) =>
    context.add("Conv", [input.levels, weight, ...(constantBias === undefined ? [] : [constantBias])], {
      suffix: "conv",
      attributes: convolutionAttributes(context, window, group),
      shape: convolvedShape(shape, outputs, window, parameters.name("round_mode")),
    }),
  );
  defineSums(context, sums, parameters.name("pw_activation_type"));
}

async function raiseFullyConnected(context: RaiseContext): Promise<void> {
  const input = quantizedInput(context);
  const layer = fullyConnectedOf(context, input.levels);
  const { tensor, step } = await weightLevels(context.weight, [layer.outputs, layer.depth]);
  const weight = context.builder.constant(`${context.name}/weight`, tensor);
  const rows = asRows(context, input.levels, layer);
  const bias = await vectorValues(context.record, layer.outputs);
  const sums = summed(context, input, step, bias, [layer.outputs], (constantBias) =>
    context.add("Gemm", [rows, weight, ...(constantBias === undefined ? [] : [constantBias])], {
      suffix: "gemm",
      attributes: { transB: 1 },
      shape: [context.shapeOf(rows)[0], layer.outputs],
    }),
  );
  defineSums(context, { ...sums, value: fromRows(context, sums.value, layer) });
}

/** Both factors are activations. A third input is a bias in real numbers. */
function raiseMatMul(context: RaiseContext): void {
  const [left, right] = [quantizedInput(context, 0), quantizedInput(context, 1)];
  const factors = factorsOf(context, [left.levels, right.levels]);
  const value = context.add("MatMul", factors, {
    suffix: "product",
    shape: productShape(context.shapeOf(factors[0]!), context.shapeOf(factors[1]!)),
  });
  const step = context.add("Mul", [left.step, right.step], { suffix: "sumStep", shape: [] });
  if (context.inputCount < 3) {
    defineSums(context, { value, step, fixedStep: undefined });
  } else {
    const real = context.add("Mul", [value, step], { suffix: "real" });
    defineReal(context, context.add("Add", [real, context.input(2)], { suffix: "biased" }));
  }
}

/** The float operator on the numbers that the levels of its input stand for. */
async function raiseQuantizedDeconvolution(context: RaiseContext): Promise<void> {
  const real = dequantize(context.builder, quantizedInput(context), `${context.name}/input`);
  defineReal(context, await raiseDeconvolution(context, real));
}

function raiseQuantizeLinear(context: RaiseContext): void {
  const { node, state } = context;
  const input = node.input(0);
  const name = `${state.nameOf(node.output())}/int8`;
  const quantized =
    state.alreadyQuantized(input) ??
    quantize(state.builder, state.plain(input), {
      name,
      scale: outputScale(node),
      nonNegative: state.nonNegative.has(input),
    });
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

/** Operators that only move numbers: they work on the levels as on real numbers. */
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

/** The int8 input that a labelled operator hands on in the same steps; undefined for those that change the numbers. */
export function handedOn(state: RaiseState, node: BoltNode): Quantized | undefined {
  const keeps =
    MOVING.has(node.type) ||
    (node.type === "Pooling" && node.data.parameters.name("mode") === "MAX") ||
    node.type === "Relu";
  return keeps && node.inputs.length === 1 ? state.alreadyQuantized(node.input(0)) : undefined;
}
