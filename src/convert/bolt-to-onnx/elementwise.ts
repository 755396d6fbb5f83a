import { BOLT_DATA_TYPES } from "../../bolt/data-type.ts";
import type { BoltWeight } from "../../bolt/model.ts";
import { weightCount } from "../../bolt/weight-values.ts";
import type { ElementType } from "../../graph/tensor.ts";
import type { OnnxValue } from "../../onnx/model.ts";
import { countOf } from "../graph-builder.ts";
import { activate } from "./activations.ts";
import type { RaiseContext, RaiseTable } from "./raise-context.ts";
import { ELEMENT_TYPES } from "./tensor-types.ts";
import { vectorValues, weightTensor } from "./weights.ts";

/** All values in one type: float32 as soon as one is. */
export function unified(context: RaiseContext, values: readonly OnnxValue[]): readonly OnnxValue[] {
  const types = new Set(values.map((value) => value.type?.type ?? "float32"));
  if (types.size === 1) return values;
  const common: ElementType = types.has("float32") ? "float32" : "int32";
  return values.map((value, index) => context.cast(value, common, `cast${index}`));
}

function binary(context: RaiseContext, type: string, left: OnnxValue, right: OnnxValue, suffix: string): OnnxValue {
  return context.add(type, [left, right], { suffix });
}

/** ONNX operator for each mode; those on truth values go through bool. */
const ARITHMETIC: Readonly<Record<string, string>> = {
  SUM: "Add",
  MAX: "Max",
  MIN: "Min",
  PROD: "Mul",
  SUB: "Sub",
  DIV: "Div",
};
const LOGIC: Readonly<Record<string, string>> = { AND: "And", OR: "Or", XOR: "Xor" };

function raiseEltwise(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  const mode = parameters.name("mode");
  const inputs = unified(context, context.inputs());
  const result = LOGIC[mode] === undefined ? arithmetic(context, mode, inputs) : logic(context, LOGIC[mode], inputs);
  return activate(context, result, parameters.name("activation_type"));
}

function arithmetic(context: RaiseContext, mode: string, inputs: readonly OnnxValue[]): OnnxValue {
  const type = ARITHMETIC[mode] ?? context.fail("unsupported", `the mode ${mode} cannot be run`);
  const terms = mode === "SUM" ? weighted(context, inputs) : inputs;
  return terms.reduce((left, right, index) => binary(context, type, left, right, `${type}${index}`));
}

/** The summands times their coefficients, where the file has one for each. */
function weighted(context: RaiseContext, inputs: readonly OnnxValue[]): readonly OnnxValue[] {
  const coefficients = context.parameters.counted("sum_spec.coeff", "sum_spec.num_coeff");
  if (coefficients.length !== inputs.length || coefficients.every((factor) => factor === 1)) return inputs;
  return inputs.map((input, index) =>
    coefficients[index] === 1
      ? input
      : context.add("Mul", [input, context.scalar(`coefficient${index}`, coefficients[index]!)], {
          suffix: `weighted${index}`,
        }),
  );
}

function logic(context: RaiseContext, type: string, inputs: readonly OnnxValue[]): OnnxValue {
  const original = inputs[0]!.type?.type ?? "uint8";
  const truths = inputs.map((input, index) => context.cast(input, "bool", `bool${index}`));
  return context.cast(
    truths.reduce((left, right, index) => binary(context, type, left, right, `${type}${index}`)),
    original,
    "number",
  );
}

/** (scale × x + shift) to the power; steps that change nothing are left out. */
function raisePower(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  const [scale, shift, power] = [parameters.number("scale"), parameters.number("shift"), parameters.number("power")];
  const whole = [scale, shift].every(Number.isInteger) && power === 1;
  const original = context.input();
  let value = whole && original.type?.type === "int32" ? original : context.cast(original, "float32");
  const step = (type: string, operand: number) => {
    const constant = context.scalar(type, operand);
    const typed = context.cast(constant, value.type?.type ?? "float32", `${type}Type`);
    value = context.add(type, [value, typed], { suffix: type });
  };
  if (scale !== 1) step("Mul", scale);
  if (shift !== 0) step("Add", shift);
  if (power === 0.5) value = context.add("Sqrt", [value], { suffix: "Sqrt" });
  else if (power === -1) value = context.add("Reciprocal", [value], { suffix: "Reciprocal" });
  else if (power !== 1) step("Pow", power);
  return value;
}

/** A vector laid along `axis` of a tensor of `rank`, for broadcasting. */
export function alongAxis(rank: number, axis: number, length: number): number[] {
  const place = ((axis % rank) + rank) % rank;
  return [length, ...Array.from({ length: rank - 1 - place }, () => 1)];
}

/** x × alpha + beta along an axis; either may be absent. With two inputs the smaller one is alpha. */
async function raiseScale(context: RaiseContext): Promise<OnnxValue> {
  const axis = context.parameters.number("axis");
  if (context.inputCount > 1) return scaleByInput(context, axis);
  const input = context.cast(context.input(), "float32");
  const shape = context.shapeOf(input);
  const { record } = context;
  const alphas = record === undefined ? 0 : weightCount(record);
  const betas = await vectorValues(record, alphas === 0 ? vectorCount(record) : alphas);
  let value = input;
  if (record !== undefined && alphas > 0) {
    const alpha = context.builder.constant(
      `${context.name}/alpha`,
      weightTensor(record, alongAxis(shape.length, axis, alphas)),
    );
    value = binary(context, "Mul", value, alpha, "scaled");
  }
  if (betas !== undefined) {
    const beta = context.floats("beta", betas, alongAxis(shape.length, axis, betas.length));
    value = binary(context, "Add", value, beta, "shifted");
  }
  return value;
}

/** Numbers in the vector of a record without a weight: float16 where the record's type is. */
function vectorCount(record: BoltWeight | undefined): number {
  if (record === undefined) return 0;
  return record.vector.length / (record.dataType === "F16" || record.dataType === "F16_8Q" ? 2 : 4);
}

function scaleByInput(context: RaiseContext, axis: number): OnnxValue {
  const [first, second] = [context.input(0), context.input(1)];
  const swapped = (countOf(second.type?.shape) ?? 0) > (countOf(first.type?.shape) ?? 0);
  const [data, alpha] = swapped ? [second, first] : [first, second];
  const rank = context.shapeOf(data).length;
  const length = countOf(alpha.type?.shape) ?? context.fail("unsupported", "the size of its factor is unknown");
  const target = alongAxis(rank, axis, length);
  const shaped = context.add("Reshape", [alpha, context.integers("alphaShape", target)], { suffix: "alpha" });
  return binary(context, "Mul", data, shaped, "scaled");
}

/** (x - gama × mean) / sqrt(gama × variance + eps) along an axis; mean is the weight, variance the vector. */
async function raiseBatchNorm(context: RaiseContext): Promise<OnnxValue> {
  const { parameters } = context;
  const input = context.input();
  const record = context.weight;
  const count = weightCount(record);
  const [gama, eps] = [parameters.number("gama"), parameters.number("eps")];
  const variance = (await vectorValues(record, count)) ?? context.fail("format", "its variance is missing");
  const deviation = variance.map((value) => Math.fround(Math.sqrt(Math.fround(Math.fround(gama * value) + eps))));
  const shape = alongAxis(context.shapeOf(input).length, parameters.number("axis"), count);
  const mean = context.builder.constant(`${context.name}/mean`, weightTensor(record, shape));
  const scaledMean =
    gama === 1 ? mean : context.add("Mul", [mean, context.scalar("gama", gama)], { suffix: "scaledMean" });
  const centred = binary(context, "Sub", input, scaledMean, "centred");
  return binary(context, "Div", centred, context.floats("deviation", deviation, shape), "normalized");
}

/** One slope for all, or one for each channel. */
function raisePRelu(context: RaiseContext): OnnxValue {
  const input = context.input();
  const record = context.weight;
  const count = weightCount(record);
  const shape = count === 1 ? [1] : alongAxis(context.shapeOf(input).length, 1, count);
  const slope = context.builder.constant(`${context.name}/slope`, weightTensor(record, shape));
  return context.add("PRelu", [input, slope]);
}

/** ONNX comparison for each mode; NOT_EQUAL is the opposite of Equal. */
const COMPARISONS: Readonly<Record<string, string>> = {
  EQUAL: "Equal",
  NOT_EQUAL: "Equal",
  GREATER_EQUAL: "GreaterOrEqual",
  GREATER: "Greater",
  LESS: "Less",
  LESS_EQUAL: "LessOrEqual",
};

function raiseCheck(context: RaiseContext): OnnxValue {
  const mode = context.parameters.name("mode");
  const [left, right] = unified(context, context.inputs());
  const truth = context.add(COMPARISONS[mode]!, [left, right], { suffix: "compare" });
  const result = mode === "NOT_EQUAL" ? context.add("Not", [truth], { suffix: "not" }) : truth;
  return context.cast(result, "uint8", "number");
}

/** Version 20201120's own comparison. */
function raiseEqual(context: RaiseContext): OnnxValue {
  const [left, right] = unified(context, context.inputs());
  const truth = context.add("Equal", [left, right], { suffix: "compare" });
  const inverted = context.parameters.number("invert") !== 0;
  return context.cast(inverted ? context.add("Not", [truth], { suffix: "not" }) : truth, "uint8", "number");
}

function raiseWhere(context: RaiseContext): OnnxValue {
  const condition = context.cast(context.input(0), "bool", "condition");
  const [yes, no] = unified(context, [context.input(1), context.input(2)]);
  return context.add("Where", [condition, yes, no]);
}

function raiseCast(context: RaiseContext): OnnxValue {
  const number = context.parameters.number("dt");
  const type = BOLT_DATA_TYPES[number] ?? context.fail("format", `${number} is no data type`);
  return context.cast(context.input(), ELEMENT_TYPES[type]);
}

function raiseSquaredDifference(context: RaiseContext): OnnxValue {
  const difference = binary(context, "Sub", context.input(0), context.input(1), "difference");
  return context.add("Mul", [difference, difference]);
}

export const ELEMENTWISE: RaiseTable = {
  Eltwise: raiseEltwise,
  Power: raisePower,
  Scale: raiseScale,
  BatchNorm: raiseBatchNorm,
  PRelu: raisePRelu,
  Check: raiseCheck,
  Equal: raiseEqual,
  Where: raiseWhere,
  Cast: raiseCast,
  SqDiff: raiseSquaredDifference,
};
