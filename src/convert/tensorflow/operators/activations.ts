import type { OnnxValue } from "../../../onnx/model.ts";
import { alongAxis, clipped, elementwise } from "../../channels-last/elementwise.ts";
import type { ConvertOperator, OperatorContext, OperatorTable } from "../operator-context.ts";

const plain =
  (type: string): ConvertOperator =>
  (context) =>
    elementwise(context, type, [context.input()]);

const alpha =
  (type: string, absent: number): ConvertOperator =>
  (context) =>
    elementwise(context, type, [context.input()], {
      attributes: { alpha: { float: context.float("alpha", absent) } },
    });

const reciprocal = (context: OperatorContext, value: OnnxValue) => elementwise(context, "Reciprocal", [value]);

function expm1(context: OperatorContext): OnnxValue {
  const power = elementwise(context, "Exp", [context.input()], { suffix: "power" });
  return elementwise(context, "Sub", [power, one(context)]);
}

function log1p(context: OperatorContext): OnnxValue {
  const sum = elementwise(context, "Add", [context.input(), one(context)], { suffix: "sum" });
  return elementwise(context, "Log", [sum]);
}

function one(context: OperatorContext): OnnxValue {
  return context.scalar("one", 1);
}

/** Bounds are inputs. */
function clipByValue(context: OperatorContext): OnnxValue {
  const below = elementwise(context, "Max", [context.input(), context.input(1)], { suffix: "low" });
  return elementwise(context, "Min", [below, context.input(2)]);
}

/** Functions of one number, and Softmax. */
export const ACTIVATIONS: OperatorTable = {
  Relu: plain("Relu"),
  Relu6: (context) => clipped(context, context.input(), 0, 6),
  LeakyRelu: alpha("LeakyRelu", 0.2),
  Elu: plain("Elu"),
  Selu: plain("Selu"),
  Softplus: plain("Softplus"),
  Softsign: plain("Softsign"),
  Sigmoid: plain("Sigmoid"),
  Tanh: plain("Tanh"),
  Erf: plain("Erf"),
  Softmax: (context) => alongAxis(context, "Softmax", context.input(), -1),
  LogSoftmax: (context) => alongAxis(context, "LogSoftmax", context.input(), -1),
  Exp: plain("Exp"),
  Expm1: expm1,
  Log: plain("Log"),
  Log1p: log1p,
  Sqrt: plain("Sqrt"),
  Rsqrt: (context) => reciprocal(context, elementwise(context, "Sqrt", [context.input()], { suffix: "root" })),
  Square: (context) => elementwise(context, "Mul", [context.input(), context.input()]),
  Reciprocal: plain("Reciprocal"),
  Inv: plain("Reciprocal"),
  Neg: plain("Neg"),
  Abs: plain("Abs"),
  Sign: plain("Sign"),
  Floor: plain("Floor"),
  Ceil: plain("Ceil"),
  Round: plain("Round"),
  Rint: plain("Round"),
  Sin: plain("Sin"),
  Cos: plain("Cos"),
  Tan: plain("Tan"),
  Asin: plain("Asin"),
  Acos: plain("Acos"),
  Atan: plain("Atan"),
  Sinh: plain("Sinh"),
  Cosh: plain("Cosh"),
  LogicalNot: plain("Not"),
  IsNan: plain("IsNaN"),
  IsInf: plain("IsInf"),
  ClipByValue: clipByValue,
};
