import type { OnnxValue } from "../../../onnx/model.ts";
import { elementwise } from "../../channels-last/elementwise.ts";
import { largest, placeOfExtreme, reduced } from "../../channels-last/reduction.ts";
import type { ConvertOperator, OperatorContext, OperatorTable } from "../operator-context.ts";

const binary =
  (type: string): ConvertOperator =>
  (context) =>
    elementwise(context, type, [context.input(), context.input(1)]);

const isFloat = (context: OperatorContext) => /float/.test(context.typeOf(context.input()));

/** A vector that is added to the result of a convolution or product is its bias. */
const add: ConvertOperator = (context) => {
  const [left, right] = [context.input(), context.input(1)];
  return biased(context, left, right) ?? biased(context, right, left) ?? elementwise(context, "Add", [left, right]);
};

/** The sum with a constant vector over the channels, made by the operator that gave `value`; undefined where it cannot. */
export function biased(context: OperatorContext, value: OnnxValue, bias: OnnxValue): OnnxValue | undefined {
  const withBias = context.rewritable.withBias.get(value);
  const shape = bias.constant?.shape;
  if (withBias === undefined || shape?.length !== 1) return undefined;
  return shape[0] === context.lastShapeOf(value).at(-1) ? withBias(bias) : undefined;
}

/** TensorFlow's rounds down; integers of ONNX are divided towards zero. */
const floorDivision: ConvertOperator = (context) => {
  const [left, right] = [context.input(), context.input(1)];
  if (isFloat(context)) return elementwise(context, "Floor", [elementwise(context, "Div", [left, right], quotient)]);
  const rest = elementwise(context, "Mod", [left, right], { suffix: "rest" });
  return elementwise(context, "Div", [elementwise(context, "Sub", [left, rest], { suffix: "whole" }), right]);
};

const quotient = { suffix: "quotient" };

/** Of the divisor's sign. */
const floorRemainder: ConvertOperator = (context) => {
  const [left, right] = [context.input(), context.input(1)];
  if (!isFloat(context)) return elementwise(context, "Mod", [left, right]);
  const whole = elementwise(context, "Floor", [elementwise(context, "Div", [left, right], quotient)], {
    suffix: "whole",
  });
  return elementwise(context, "Sub", [left, elementwise(context, "Mul", [whole, right], { suffix: "multiple" })]);
};

/** 0 where it is divided by 0. */
const divisionOrZero: ConvertOperator = (context) => {
  const [left, right] = [context.input(), context.input(1)];
  const zero = context.scalar("zero", 0);
  const isZero = elementwise(context, "Equal", [right, zero], { suffix: "isZero" });
  return elementwise(context, "Where", [isZero, zero, elementwise(context, "Div", [left, right], quotient)]);
};

const squaredDifference: ConvertOperator = (context) => {
  const difference = elementwise(context, "Sub", [context.input(), context.input(1)], { suffix: "difference" });
  return elementwise(context, "Mul", [difference, difference]);
};

const notEqual: ConvertOperator = (context) =>
  elementwise(context, "Not", [
    elementwise(context, "Equal", [context.input(), context.input(1)], { suffix: "equal" }),
  ]);

/** The older of the two chooses whole rows where its condition is a vector. */
const select: ConvertOperator = (context) => {
  const [condition, yes] = [context.lastShape(), context.lastShape(1)];
  if (context.node.type === "Select" && condition.length !== 0 && condition.length !== yes.length)
    context.fail("unsupported", "a condition for whole rows cannot be converted");
  return elementwise(context, "Where", [context.input(), context.input(1), context.input(2)]);
};

/** Over axes that an input names. */
const reduction =
  (type: string): ConvertOperator =>
  async (context) =>
    reduced(context, type, context.input(), await context.constantIntegers(1), context.flag("keep_dims"));

/** Whether all, or any, are true. */
const logical =
  (type: string): ConvertOperator =>
  async (context) => {
    const numbers = context.cast(context.input(), "int32", "numbers");
    const axes = await context.constantIntegers(1);
    return context.cast(reduced(context, type, numbers, axes, context.flag("keep_dims")), "bool", "truth");
  };

const extreme =
  (type: string): ConvertOperator =>
  async (context) => {
    const wanted = context.attribute("output_type")?.type === "int32" ? "int32" : "int64";
    return placeOfExtreme(context, type, context.input(), await context.constantInteger(1), wanted);
  };

const topK: ConvertOperator = async (context) => largest(context, context.input(), await context.constantInteger(1));

const cumulativeSum: ConvertOperator = async (context) => {
  const last = context.last(context.input());
  const axis = context.place(await context.constantInteger(1), context.shapeOf(last).length);
  const attributes = { exclusive: Number(context.flag("exclusive")), reverse: Number(context.flag("reverse")) };
  return context.first(context.add("CumSum", [last, context.integers("axis", [axis], [])], { attributes }));
};

const l2Loss: ConvertOperator = (context) => {
  const square = elementwise(context, "Mul", [context.input(), context.input()], { suffix: "square" });
  const sum = reduced(context, "ReduceSum", square, [...context.lastShape().keys()], false);
  return elementwise(context, "Mul", [sum, context.scalar("half", 0.5)]);
};

export const ARITHMETIC: OperatorTable = {
  Add: add,
  AddV2: add,
  AddN: (context) => elementwise(context, "Sum", context.inputs),
  Sub: binary("Sub"),
  Mul: binary("Mul"),
  RealDiv: binary("Div"),
  Div: binary("Div"),
  TruncateDiv: binary("Div"),
  DivNoNan: divisionOrZero,
  FloorDiv: floorDivision,
  FloorMod: floorRemainder,
  Pow: binary("Pow"),
  Maximum: binary("Max"),
  Minimum: binary("Min"),
  SquaredDifference: squaredDifference,
  Less: binary("Less"),
  LessEqual: binary("LessOrEqual"),
  Greater: binary("Greater"),
  GreaterEqual: binary("GreaterOrEqual"),
  Equal: binary("Equal"),
  NotEqual: notEqual,
  LogicalAnd: binary("And"),
  LogicalOr: binary("Or"),
  Select: select,
  SelectV2: select,
  Mean: reduction("ReduceMean"),
  Sum: reduction("ReduceSum"),
  Max: reduction("ReduceMax"),
  Min: reduction("ReduceMin"),
  Prod: reduction("ReduceProd"),
  EuclideanNorm: reduction("ReduceL2"),
  All: logical("ReduceMin"),
  Any: logical("ReduceMax"),
  ArgMax: extreme("ArgMax"),
  ArgMin: extreme("ArgMin"),
  TopKV2: topK,
  Cumsum: cumulativeSum,
  L2Loss: l2Loss,
};
