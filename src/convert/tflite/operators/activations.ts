import type { OnnxValue } from "../../../onnx/model.ts";
import { alongAxis, clipped, elementwise } from "../../channels-last/elementwise.ts";
import type { ConvertOperator, OperatorContext, OperatorTable } from "../operator-context.ts";

/** The activation that an operator's options add (ActivationFunctionType). */
export async function activated(context: OperatorContext, value: OnnxValue, field: number): Promise<OnnxValue> {
  const code = (await context.operator.options?.uint8(field)) ?? 0;
  switch (code) {
    case 0:
      return value;
    case 1:
      return elementwise(context, "Relu", [value], { suffix: "relu" });
    case 2:
      return clipped(context, value, -1, 1);
    case 3:
      return clipped(context, value, 0, 6);
    case 4:
      return elementwise(context, "Tanh", [value], { suffix: "tanh" });
    default:
      return context.fail("unsupported", `the activation number ${code} cannot be converted`);
  }
}

const plain =
  (type: string): ConvertOperator =>
  (context) =>
    elementwise(context, type, [context.input()]);

const passed: ConvertOperator = (context) => context.input();

/** Over the last axis of TFLite, which is the channels' in a map. */
const softmax =
  (type: string): ConvertOperator =>
  async (context) => {
    const beta = type === "Softmax" ? ((await context.operator.options?.float(0)) ?? 1) : 1;
    const input = context.input();
    const scaled =
      beta === 1 ? input : elementwise(context, "Mul", [input, context.scalar("beta", beta)], { suffix: "scaled" });
    return alongAxis(context, type, scaled, -1);
  };

function hardSwish(context: OperatorContext): OnnxValue {
  const attributes = { alpha: { float: Math.fround(1 / 6) }, beta: { float: 0.5 } };
  const gate = elementwise(context, "HardSigmoid", [context.input()], { suffix: "gate", attributes });
  return elementwise(context, "Mul", [context.input(), gate]);
}

async function leakyRelu(context: OperatorContext): Promise<OnnxValue> {
  const alpha = (await context.operator.options?.float(0)) ?? 0;
  return elementwise(context, "LeakyRelu", [context.input()], { attributes: { alpha: { float: alpha } } });
}

/** The slopes are those of the last axes. */
function prelu(context: OperatorContext): OnnxValue {
  const rank = context.shape().length;
  const { shape } = context.tensor(1);
  const full = [...new Array<number>(Math.max(0, rank - 1 - shape.length)).fill(1), ...shape];
  if (full.length !== rank - 1 || !context.isConstant(1)) context.fail("unsupported", "its slopes cannot be converted");
  if (rank !== 4) return context.add("PRelu", [context.input(), context.weight(1, undefined, full)]);
  const axes = [2, 0, 1].map((axis) => axis - (3 - shape.length)).filter((axis) => axis >= 0);
  const [height, width, channels] = full as [number, number, number];
  return context.add("PRelu", [context.input(), context.weight(1, axes, [channels, height, width])]);
}

const l2Normalization: ConvertOperator = (context) =>
  alongAxis(context, "LpNormalization", context.input(), -1, { attributes: { p: 2 } });

export const ACTIVATIONS: OperatorTable = {
  RELU: plain("Relu"),
  RELU6: (context) => clipped(context, context.input(), 0, 6),
  RELU_N1_TO_1: (context) => clipped(context, context.input(), -1, 1),
  RELU_0_TO_1: (context) => clipped(context, context.input(), 0, 1),
  LEAKY_RELU: leakyRelu,
  PRELU: prelu,
  ELU: plain("Elu"),
  TANH: plain("Tanh"),
  LOGISTIC: plain("Sigmoid"),
  HARD_SWISH: hardSwish,
  SOFTMAX: softmax("Softmax"),
  LOG_SOFTMAX: softmax("LogSoftmax"),
  L2_NORMALIZATION: l2Normalization,
  EXP: plain("Exp"),
  LOG: plain("Log"),
  SQRT: plain("Sqrt"),
  RSQRT: (context) =>
    elementwise(context, "Reciprocal", [elementwise(context, "Sqrt", [context.input()], { suffix: "root" })]),
  SQUARE: (context) => elementwise(context, "Mul", [context.input(), context.input()]),
  NEG: plain("Neg"),
  ABS: plain("Abs"),
  FLOOR: plain("Floor"),
  CEIL: plain("Ceil"),
  ROUND: plain("Round"),
  SIN: plain("Sin"),
  COS: plain("Cos"),
  LOGICAL_NOT: plain("Not"),
  // An already quantized model is read as the real numbers that its integers stand for.
  QUANTIZE: passed,
  DEQUANTIZE: passed,
  FAKE_QUANT: passed,
};
