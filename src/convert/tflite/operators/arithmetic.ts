import { elementwise } from "../../channels-last/elementwise.ts";
import { largest, placeOfExtreme, product, reduced } from "../../channels-last/reduction.ts";
import type { ConvertOperator, OperatorTable } from "../operator-context.ts";
import { activated } from "./activations.ts";

const binary =
  (type: string, activationField?: number): ConvertOperator =>
  async (context) => {
    const value = elementwise(context, type, context.inputs());
    return activationField === undefined ? value : activated(context, value, activationField);
  };

const notEqual: ConvertOperator = (context) =>
  elementwise(context, "Not", [elementwise(context, "Equal", context.inputs(), { suffix: "equal" })]);

const squaredDifference: ConvertOperator = (context) => {
  const difference = elementwise(context, "Sub", context.inputs(), { suffix: "difference" });
  return elementwise(context, "Mul", [difference, difference]);
};

/** Over axes that a constant names. */
const reduction =
  (type: string): ConvertOperator =>
  async (context) => {
    const kept = ((await context.operator.options?.uint8(0)) ?? 0) !== 0;
    return reduced(context, type, context.input(), await context.constantIntegers(1), kept);
  };

const extreme =
  (type: string): ConvertOperator =>
  async (context) => {
    const [axis = 0] = await context.constantIntegers(1);
    return placeOfExtreme(context, type, context.input(), axis, context.result().type === "int64" ? "int64" : "int32");
  };

const topK: ConvertOperator = async (context) => {
  const [count = 1] = await context.constantIntegers(1);
  return largest(context, context.input(), count);
};

const batchMatMul: ConvertOperator = async (context) => {
  const turned = async (side: number) => ((await context.operator.options?.uint8(side)) ?? 0) !== 0;
  return product(context, [context.input(), context.input(1)], [await turned(0), await turned(1)]);
};

export const ARITHMETIC: OperatorTable = {
  ADD: binary("Add", 0),
  SUB: binary("Sub", 0),
  MUL: binary("Mul", 0),
  DIV: binary("Div", 0),
  POW: binary("Pow"),
  MAXIMUM: binary("Max"),
  MINIMUM: binary("Min"),
  SQUARED_DIFFERENCE: squaredDifference,
  ADD_N: binary("Sum"),
  LESS: binary("Less"),
  LESS_EQUAL: binary("LessOrEqual"),
  GREATER: binary("Greater"),
  GREATER_EQUAL: binary("GreaterOrEqual"),
  EQUAL: binary("Equal"),
  NOT_EQUAL: notEqual,
  LOGICAL_AND: binary("And"),
  LOGICAL_OR: binary("Or"),
  SELECT: binary("Where"),
  SELECT_V2: binary("Where"),
  MEAN: reduction("ReduceMean"),
  SUM: reduction("ReduceSum"),
  REDUCE_MAX: reduction("ReduceMax"),
  REDUCE_MIN: reduction("ReduceMin"),
  REDUCE_PROD: reduction("ReduceProd"),
  ARG_MAX: extreme("ArgMax"),
  ARG_MIN: extreme("ArgMin"),
  TOPK_V2: topK,
  BATCH_MATMUL: batchMatMul,
};
