import type { BoltDataType } from "../../bolt/data-type.ts";
import { hasSlots, isLabelled, lastSlot, QMAX, type Slot, scaleOfClip, slotAt } from "../../bolt/label.ts";
import type { BoltModel, BoltNode, BoltWeight } from "../../bolt/model.ts";
import { movesNumbers } from "../../bolt/moves-numbers.ts";
import { readWeightValues } from "../../bolt/weight-values.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { OnnxValue } from "../../onnx/model.ts";
import { tensorOf } from "../../onnx/tensor-data.ts";
import { activate } from "./activations.ts";
import {
  channelsOf,
  convolutionAttributes,
  groupOf,
  raiseDeconvolution,
  raiseConvolution as raiseFloatConvolution,
  windowOf,
} from "./convolution.ts";
import { asRows, factorsOf, fromRows, fullyConnectedOf } from "./matrix.ts";
import { dequantize, type Quantized, quantize } from "./quantized-value.ts";
import type { RaiseContext, RaiseState } from "./raise-context.ts";
import { levelTensor, vectorValues } from "./weights.ts";

/** Header types of networks whose labelled operators compute in int8. */
const INT8_NETWORKS: ReadonlySet<BoltDataType> = new Set(["I8", "I4", "F32_8Q", "F16_8Q"]);

/** Whether `node` computes in int8, or hands int8 numbers on, when `model` runs. */
export function computesInInt8(model: BoltModel, node: BoltNode): boolean {
  if (!INT8_NETWORKS.has(model.dataType) || !isLabelled(node)) return false;
  const last = lastSlot(node);
  return (hasSlots(node) || last !== "float") && last !== "float-around";
}

/** The stored static scale of input `index`, or undefined where it is found while the model runs. */
function inputScale(node: BoltNode, index: number): number | undefined {
  return hasSlots(node) ? scaleIn(slotAt(node, index)) : undefined;
}

function scaleIn(slot: Slot | undefined): number | undefined {
  return typeof slot === "number" ? slot : undefined;
}

function quantizedInput(context: RaiseContext, index = 0): Quantized {
  const { node, state } = context;
  return state.quantized(node.input(index), inputScale(node, index));
}

/** Sums of products of levels, and what one is worth. */
interface Sums {
  readonly value: OnnxValue;
  readonly step: OnnxValue;
}

/** Activations that mean the same on sums as on real numbers. */
const SCALE_FREE: ReadonlySet<string> = new Set(["NULL", "RELU"]);

/**
 * Puts out what the sums stand for: as numbers where the operator's label says so, else quantized per tensor again. A
 * static scale of the output is not used: the engine of 1.5 on x86 overwrites it with the largest magnitude's.
 */
function defineSums(context: RaiseContext, sums: Sums, activation = "NULL"): void {
  const { node, state } = context;
  const early = SCALE_FREE.has(activation) && (context.inputCount === 1 || node.type === "MatMul");
  const activated = early ? activate(context, sums.value, activation) : sums.value;
  if (early && lastSlot(node) !== "int8-to-float") {
    const name = `${state.nameOf(node.output())}/int8`;
    const { levels, step } = quantize(state.builder, activated, { name, nonNegative: activation === "RELU" });
    const real = context.add("Mul", [step, sums.step], { suffix: "outputStep" });
    state.defineQuantized(node.output(), { levels, step: real });
    return;
  }
  const real = context.add("Mul", [activated, sums.step], { suffix: "real" });
  defineReal(context, early ? real : activate(context, withAddend(context, real), activation));
}

/** The second input of a convolution: a tensor to add before the activation. */
function withAddend(context: RaiseContext, real: OnnxValue): OnnxValue {
  const adds = context.node.type === "Conv" && context.inputCount > 1;
  return adds ? context.add("Add", [real, context.input(1)], { suffix: "added" }) : real;
}

function defineReal(context: RaiseContext, real: OnnxValue): void {
  const { node, state } = context;
  const output = node.output();
  if (lastSlot(node) === "int8-to-float") state.define(output, real);
  else state.defineQuantized(output, quantize(state.builder, real, { name: `${state.nameOf(output)}/int8` }));
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
  const found = largest === 0 ? 1 : scaleOfClip(largest);
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
    levels[index] = Math.min(Math.max(level, -QMAX.int8), QMAX.int8);
  }
  return levels;
}

/** The operator with its bias behind it, in units of the sums, rounded as Bolt does. */
function summed(
  context: RaiseContext,
  input: Quantized,
  weightStep: number,
  bias: Float32Array | undefined,
  biasShape: readonly number[],
  product: OnnxValue,
): Sums {
  const step = context.add("Mul", [input.step, context.scalar("weightStep", weightStep)], {
    suffix: "sumStep",
  });
  if (bias === undefined) return { value: product, step };
  const levels = context.add("Div", [context.floats("bias", bias, biasShape), step], { suffix: "biasLevels" });
  const rounded = context.add("Round", [levels], { suffix: "biasRounded" });
  return { value: context.add("Add", [product, rounded], { suffix: "biased" }), step };
}

async function raiseConvolution(context: RaiseContext): Promise<void> {
  const { parameters, name } = context;
  if (parameters.name("convolution_type").startsWith("DEPTHWISE")) {
    // Bolt computes a depthwise convolution in float even where it is labelled.
    defineReal(context, await raiseFloatConvolution(context));
    return;
  }
  const input = quantizedInput(context);
  const outputs = parameters.number("num_outputs");
  const group = groupOf(context, input.levels);
  const window = windowOf(context, context.shapeOf(input.levels).length);
  const channels = channelsOf(context, input.levels) / group;
  const { tensor, step } = await weightLevels(context.weight, [outputs, channels, ...window.kernel]);
  const weight = context.builder.constant(`${name}/weight`, tensor);
  const bias = await vectorValues(context.record, outputs);
  const biasShape = [outputs, ...window.kernel.map(() => 1)];
  const product = context.add("Conv", [input.levels, weight], {
    suffix: "conv",
    attributes: convolutionAttributes(context, window, group),
  });
  const sums = summed(context, input, step, bias, biasShape, product);
  defineSums(context, sums, parameters.name("pw_activation_type"));
}

async function raiseFullyConnected(context: RaiseContext): Promise<void> {
  const input = quantizedInput(context);
  const layer = fullyConnectedOf(context, input.levels);
  const { tensor, step } = await weightLevels(context.weight, [layer.outputs, layer.depth]);
  const weight = context.builder.constant(`${context.name}/weight`, tensor);
  const rows = asRows(context, input.levels, layer);
  const bias = await vectorValues(context.record, layer.outputs);
  const product = context.add("Gemm", [rows, weight], {
    suffix: "gemm",
    attributes: { transB: 1 },
  });
  const sums = summed(context, input, step, bias, [layer.outputs], product);
  defineSums(context, { ...sums, value: fromRows(context, sums.value, layer) });
}

/** Both factors are activations. A third input is a bias in real numbers. */
function raiseMatMul(context: RaiseContext): void {
  const [left, right] = [quantizedInput(context, 0), quantizedInput(context, 1)];
  const factors = factorsOf(context, [left.levels, right.levels]);
  const value = context.add("MatMul", factors, {
    suffix: "product",
  });
  const step = context.add("Mul", [left.step, right.step], { suffix: "sumStep" });
  if (context.inputCount < 3) {
    defineSums(context, { value, step });
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
      scale: scaleIn(lastSlot(node)),
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

/** The int8 input that a labelled operator hands on in the same steps; undefined for those that change the numbers. */
export function handedOn(state: RaiseState, node: BoltNode): Quantized | undefined {
  return movesNumbers(node) && node.inputs.length === 1 ? state.alreadyQuantized(node.input(0)) : undefined;
}
