import { floatBytes } from "../../bolt/lazy-floats.ts";
import { elementCount } from "../../graph/tensor.ts";
import { NO_BYTES } from "../../io/bytes.ts";
import type { OnnxNode, OnnxTensor, OnnxValue } from "../../onnx/model.ts";
import { shapeOf } from "../../onnx/shape-rules/shape-rule.ts";
import { floatData, numbersOf } from "../../onnx/tensor-data.ts";
import {
  allInputs,
  constantNumbers,
  dynamicInputs,
  type Lower,
  type LoweredOperator,
  type LoweredWeight,
  type LoweringContext,
  requireConstant,
} from "./lowering.ts";

const ELTWISE_MODES: Readonly<Record<string, string>> = {
  Add: "SUM",
  Sum: "SUM",
  Mul: "PROD",
  Sub: "SUB",
  Div: "DIV",
  And: "AND",
  Or: "OR",
  Xor: "XOR",
};

/** Add, Mul and their like become a Power (one number), a Scale (one per channel) or an Eltwise. */
const lowerArithmetic: Lower = async (node, context) => {
  const constants = constantsOf(node);
  const [first] = constants;
  if (first === undefined || node.inputs.length > 2 || constants.some(({ tensor }) => longAxes(tensor) > 1))
    return [eltwise(node)];
  if (!context.asBolt && (constants.length > 1 || isStretched(node, first.index))) return [eltwise(node)];
  const numbers = await numbersOf(first.tensor);
  if (await isOneNumber(first.tensor, numbers, context)) return [power(node, first.index, numbers[0]!)];
  const reversed = (node.type === "Div" || node.type === "Sub") && first.index === 0;
  if (reversed || context.referenceCount(node.input(first.index)) > 1) return [eltwise(node)];
  if (!context.asBolt && !isAlongChannels(node, first)) return [eltwise(node)];
  return [await scale(node, first.tensor)];
};

interface ConstantInput {
  readonly index: number;
  readonly tensor: OnnxTensor;
}

function constantsOf(node: OnnxNode): ConstantInput[] {
  return node.inputs.flatMap((input, index) =>
    input?.constant === undefined ? [] : [{ index, tensor: input.constant }],
  );
}

/** Whether the constant at `index` makes the other operand larger: then no Power or Scale of that says the same. */
function isStretched(node: OnnxNode, index: number): boolean {
  const [result, other] = [shapeOf(node.outputs[0]), shapeOf(node.inputs[1 - index])];
  if (result === undefined || other === undefined) return true;
  return result.length !== other.length || result.some((size, axis) => size !== other[axis]);
}

/** What Bolt's rewrites fold a Scale into, and the axis that they then take it to lie along. */
const HOST_AXES: Readonly<Record<string, number>> = {
  Conv: 1,
  ConvTranspose: 1,
  BatchNormalization: 1,
  MatMul: -1,
  Gemm: -1,
};

/**
 * Whether the constant lies along the axis that Bolt's rewrites take it to lie along when they fold a Scale into what is
 * before: that of the convolution or matrix product, or where there is none, the second of a map and else the last.
 */
function isAlongChannels(node: OnnxNode, { index, tensor }: ConstantInput): boolean {
  const rank = shapeOf(node.outputs[0])?.length ?? 0;
  const axis = hostAxis(node.inputs[1 - index]) ?? (rank >= 4 ? 1 : -1);
  return scaleAxis(tensor) === (axis < 0 ? axis : axis - rank);
}

function hostAxis(value: OnnxValue | undefined): number | undefined {
  const producer = value?.producer;
  if (producer === undefined) return undefined;
  const constants = constantsOf(producer);
  const isLink =
    ARITHMETIC[producer.type] === lowerArithmetic && producer.inputs.length === 2 && constants.length === 1;
  return isLink ? hostAxis(producer.inputs[1 - constants[0]!.index]) : HOST_AXES[producer.type];
}

function longAxes({ shape }: OnnxTensor): number {
  return shape.filter((size) => size > 1).length;
}

async function isOneNumber(
  { shape }: OnnxTensor,
  numbers: ArrayLike<number>,
  { rules }: LoweringContext,
): Promise<boolean> {
  if (elementCount(shape) === 1) return true;
  return rules === "1.5" && shape.length === 1 && Array.from(numbers).every((number) => number === numbers[0]);
}

function eltwise(node: OnnxNode): LoweredOperator {
  const mode = ELTWISE_MODES[node.type]!;
  const sum = mode === "SUM" ? { "sum_spec.coeff": [1, 1], "sum_spec.num_coeff": 2 } : {};
  return { type: "Eltwise", inputs: allInputs(node), parameters: { mode, ...sum } };
}

/** (scale * x + shift) ^ power, for `x op value` or, with the constant first, `value op x`. */
function power(node: OnnxNode, index: number, value: number): LoweredOperator {
  const inverse = Math.fround(1 / value);
  const changes: Readonly<Record<string, Record<string, number>>> = {
    Add: { shift: value },
    Mul: { scale: value },
    Sub: index === 0 ? { scale: -1, shift: value } : { shift: -value },
    Div: index === 0 ? { scale: inverse, power: -1 } : { scale: inverse },
  };
  return { type: "Power", parameters: { scale: 1, shift: 0, power: 1, ...changes[node.type] } };
}

async function scale(node: OnnxNode, tensor: OnnxTensor): Promise<LoweredOperator> {
  return { type: "Scale", parameters: { axis: scaleAxis(tensor) }, weight: await scaleWeight(node, tensor) };
}

/** The long axis, counted from the last. */
function scaleAxis({ shape }: OnnxTensor): number {
  if (shape.length <= 1) return -1;
  const long = shape.findIndex((size) => size > 1);
  return long < 0 ? 0 : long - shape.length;
}

async function scaleWeight(node: OnnxNode, tensor: OnnxTensor): Promise<LoweredWeight> {
  const changed = async (change: (value: number) => number) =>
    floatBytes(Float32Array.from(await numbersOf(tensor), change));
  if (node.type === "Mul") return { dataType: "F32", weight: await floatData(tensor), vector: NO_BYTES };
  if (node.type === "Div") return { dataType: "F32", weight: await changed((value) => 1 / value), vector: NO_BYTES };
  const vector = node.type === "Sub" ? await changed((value) => -value) : await floatData(tensor);
  return { dataType: "F32", weight: NO_BYTES, vector };
}

const lowerLogic: Lower = async (node) => [eltwise(node)];

const lowerPow: Lower = async (node, { asBolt }) => {
  if (!asBolt) requireConstant(node, 1, "exponent");
  const exponent = await constantNumbers(node, 1);
  return [
    { type: "Power", inputs: dynamicInputs(node), parameters: { scale: 1, shift: 0, power: exponent?.[0] ?? 1 } },
  ];
};

const lowerSqrt: Lower = async () => [{ type: "Power", parameters: { scale: 1, shift: 0, power: 0.5 } }];

const CHECK_MODES: Readonly<Record<string, string>> = {
  Equal: "EQUAL",
  Less: "LESS",
  LessOrEqual: "LESS_EQUAL",
  Greater: "GREATER",
  GreaterOrEqual: "GREATER_EQUAL",
};

const lowerCheck: Lower = async (node) => [
  { type: "Check", inputs: allInputs(node), parameters: { mode: CHECK_MODES[node.type]! } },
];

const lowerWhere: Lower = async (node) => [{ type: "Where", inputs: allInputs(node) }];

export const ARITHMETIC: Readonly<Record<string, Lower>> = {
  Add: lowerArithmetic,
  Sum: lowerArithmetic,
  Mul: lowerArithmetic,
  Sub: lowerArithmetic,
  Div: lowerArithmetic,
  And: lowerLogic,
  Or: lowerLogic,
  Xor: lowerLogic,
  Pow: lowerPow,
  Sqrt: lowerSqrt,
  Equal: lowerCheck,
  Less: lowerCheck,
  LessOrEqual: lowerCheck,
  Greater: lowerCheck,
  GreaterOrEqual: lowerCheck,
  Where: lowerWhere,
};
