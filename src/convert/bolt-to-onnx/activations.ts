import type { OnnxValue } from "../../onnx/model.ts";
import type { RaiseContext, RaiseTable } from "./raise-context.ts";

type Activation = (context: RaiseContext, input: OnnxValue) => OnnxValue;

const plain =
  (type: string): Activation =>
  (context, input) =>
    context.add(type, [input]);

/** x / 6 + 0.5 within 0..1: Bolt's hard sigmoid has no other slope. */
const hardSigmoid: Activation = (context, input) =>
  context.add("HardSigmoid", [input], { attributes: { alpha: { float: Math.fround(1 / 6) }, beta: { float: 0.5 } } });

const clip =
  (low: number, high: number): Activation =>
  (context, input) =>
    context.add("Clip", [input, context.scalar("min", low), context.scalar("max", high)]);

const product = (context: RaiseContext, input: OnnxValue, factor: OnnxValue): OnnxValue =>
  context.add("Mul", [input, factor]);

const inner =
  (type: string): Activation =>
  (context, input) =>
    context.add(type, [input], { suffix: type });

/** x × Φ(x) with the error function. */
const gelu: Activation = (context, input) => {
  const scaled = context.add("Mul", [input, context.scalar("rsqrt2", Math.SQRT1_2)], { suffix: "scaled" });
  const shifted = context.add("Add", [inner("Erf")(context, scaled), context.scalar("one", 1)], { suffix: "shifted" });
  const half = context.add("Mul", [input, context.scalar("half", 0.5)], { suffix: "halved" });
  return product(context, half, shifted);
};

/** 1 where the input is not positive (kernels of `not` on float), in the input's type. */
const not: Activation = (context, input) => {
  const type = input.type?.type ?? "float32";
  const positive = context.add("Greater", [context.cast(input, "float32"), context.scalar("zero", 0)], {
    suffix: "positive",
  });
  return context.cast(context.add("Not", [positive], { suffix: "not" }), type);
};

/** Activations by the names of Bolt's ActivationMode, without their parameters (the engine ignores these when fused). */
const FUSED: Readonly<Record<string, Activation>> = {
  NULL: (_, input) => input,
  RELU: plain("Relu"),
  RELU6: clip(0, 6),
  H_SWISH: plain("HardSwish"),
  H_SIGMOID: hardSigmoid,
  SIGMOID: plain("Sigmoid"),
  TANH: plain("Tanh"),
  GELU: gelu,
  MISH: (context, input) => product(context, input, inner("Tanh")(context, inner("Softplus")(context, input))),
  SOFTPLUS: plain("Softplus"),
  EXP: plain("Exp"),
  ABS: plain("Abs"),
  SIGN: plain("Sign"),
  H_SWISH_NODIV: (context, input) => product(context, inner("HardSwish")(context, input), context.scalar("six", 6)),
  LOG: plain("Log"),
  NOT: not,
  NEG: plain("Neg"),
  ROUND: plain("Round"),
  FLOOR: plain("Floor"),
  CEIL: plain("Ceil"),
  SWISH: (context, input) => product(context, input, inner("Sigmoid")(context, input)),
  RECIPROCAL: plain("Reciprocal"),
  SIN: plain("Sin"),
  COS: plain("Cos"),
};

/** Applies the activation that an operator has fused. */
export function activate(context: RaiseContext, input: OnnxValue, mode: string): OnnxValue {
  const activation = FUSED[mode];
  return activation === undefined
    ? context.fail("unsupported", `the fused activation ${mode} cannot be run`)
    : activation(context, input);
}

/** Operators that are one activation. */
const OPERATORS: Readonly<Record<string, string>> = {
  Relu6: "RELU6",
  HSwish: "H_SWISH",
  HSigmoid: "H_SIGMOID",
  Sigmoid: "SIGMOID",
  TanH: "TANH",
  Gelu: "GELU",
  Mish: "MISH",
  Softplus: "SOFTPLUS",
  Exp: "EXP",
  Abs: "ABS",
  Sign: "SIGN",
  HSwishNoDiv: "H_SWISH_NODIV",
  Log: "LOG",
  Not: "NOT",
  Neg: "NEG",
  Round: "ROUND",
  Floor: "FLOOR",
  Ceil: "CEIL",
  Swish: "SWISH",
  Reciprocal: "RECIPROCAL",
  Sin: "SIN",
  Cos: "COS",
};

export const ACTIVATIONS: RaiseTable = {
  ...Object.fromEntries(
    Object.entries(OPERATORS).map(([type, mode]) => [
      type,
      (context: RaiseContext) => activate(context, context.input(), mode),
    ]),
  ),
  Erf: (context) => context.add("Erf", [context.input()]),
  Relu: (context) => {
    const alpha = context.parameters.number("neg_slope");
    const input = context.input();
    return alpha === 0
      ? context.add("Relu", [input])
      : context.add("LeakyRelu", [input], { attributes: { alpha: { float: alpha } } });
  },
  Elu: (context) =>
    context.add("Elu", [context.input()], {
      attributes: { alpha: { float: context.parameters.number("neg_slope") } },
    }),
  Clip: (context) => clip(context.parameters.number("min"), context.parameters.number("max"))(context, context.input()),
};
