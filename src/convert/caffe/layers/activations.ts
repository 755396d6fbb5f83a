import type { OnnxValue } from "../../../onnx/model.ts";
import type { ConvertLayer, LayerContext, LayerTable } from "../layer-context.ts";

const plain =
  (type: string): ConvertLayer =>
  (context) =>
    context.add(type, [context.input()]);

/** What only hands on its input when the net is used. */
const passed: ConvertLayer = (context) => context.layer.tops.map(() => context.input());

function relu(context: LayerContext): OnnxValue {
  const slope = context.parameters("relu_param").float("negative_slope", 0);
  if (slope === 0) return context.add("Relu", [context.input()]);
  return context.add("LeakyRelu", [context.input()], { attributes: { alpha: { float: slope } } });
}

function clipped(context: LayerContext, low: number, high: number): OnnxValue {
  return context.add("Clip", [context.input(), context.scalar("low", low), context.scalar("high", high)]);
}

function clip(context: LayerContext): OnnxValue {
  const text = context.parameters("clip_param");
  if (!text.has("min") || !text.has("max")) context.fail("format", "clip_param needs min and max");
  return clipped(context, text.float("min", 0), text.float("max", 0));
}

function elu(context: LayerContext): OnnxValue {
  const alpha = context.parameters("elu_param").float("alpha", 1);
  return context.add("Elu", [context.input()], { attributes: { alpha: { float: alpha } } });
}

function prelu(context: LayerContext): OnnxValue {
  const shape = context.shape();
  const shared = context.parameters("prelu_param").flag("channel_shared", false);
  const slope = shared ? [1] : [shape[1] ?? 1, ...shape.slice(2).map(() => 1)];
  return context.add("PRelu", [context.input(), context.constant(0, "slope", slope)]);
}

function hardSigmoid(context: LayerContext, suffix?: string): OnnxValue {
  const attributes = { alpha: { float: Math.fround(1 / 6) }, beta: { float: 0.5 } };
  return context.add("HardSigmoid", [context.input()], { attributes, suffix });
}

function hardSwish(context: LayerContext): OnnxValue {
  return context.add("Mul", [context.input(), hardSigmoid(context, "gate")]);
}

function swish(context: LayerContext): OnnxValue {
  const beta = context.parameters("swish_param").float("beta", 1);
  const input = context.input();
  const scaled = beta === 1 ? input : context.add("Mul", [input, context.scalar("beta", beta)], { suffix: "scaled" });
  return context.add("Mul", [input, context.add("Sigmoid", [scaled], { suffix: "gate" })]);
}

function mish(context: LayerContext): OnnxValue {
  const soft = context.add("Softplus", [context.input()], { suffix: "softplus" });
  return context.add("Mul", [context.input(), context.add("Tanh", [soft], { suffix: "tanh" })]);
}

/** The approximation by tanh, which Bolt's engine computes: x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))). */
function gelu(context: LayerContext): OnnxValue {
  const x = context.input();
  const times = (a: OnnxValue, b: OnnxValue, suffix?: string) => context.add("Mul", [a, b], { suffix });
  const cube = times(times(x, x, "square"), x, "cube");
  const inner = context.add("Add", [x, times(cube, context.scalar("factor", 0.044715), "part")], { suffix: "sum" });
  const curve = context.add("Tanh", [times(inner, context.scalar("slope", Math.sqrt(2 / Math.PI)), "inner")], {
    suffix: "tanh",
  });
  const gate = context.add("Add", [curve, context.scalar("one", 1)], { suffix: "gate" });
  return times(times(x, context.scalar("half", 0.5), "halved"), gate);
}

/** 1 where the input is above the threshold, else 0. */
function threshold(context: LayerContext): OnnxValue {
  const limit = context.scalar("threshold", context.parameters("threshold_param").float("threshold", 0));
  const above = context.add("Greater", [context.input(), limit], { suffix: "above", type: "bool" });
  return context.cast(above, "float32");
}

/** scale · x + shift; steps that change nothing are left out. */
function affine(context: LayerContext, { scale, shift }: { scale: number; shift: number }): OnnxValue {
  const input = context.input();
  const scaled =
    scale === 1 ? input : context.add("Mul", [input, context.scalar("scale", scale)], { suffix: "scaled" });
  return shift === 0 ? scaled : context.add("Add", [scaled, context.scalar("shift", shift)], { suffix: "shifted" });
}

/** (scale · x + shift) to the power. */
function power(context: LayerContext): OnnxValue {
  const text = context.parameters("power_param");
  const base = affine(context, { scale: text.float("scale", 1), shift: text.float("shift", 0) });
  const exponent = text.float("power", 1);
  return exponent === 1 ? base : context.add("Pow", [base, context.scalar("power", exponent)]);
}

/** base to (scale · x + shift); -1 stands for e. */
function exponential(context: LayerContext): OnnxValue {
  const text = context.parameters("exp_param");
  const factor = naturalLogarithm(context, text.float("base", -1));
  const scale = Math.fround(factor * text.float("scale", 1));
  return context.add("Exp", [affine(context, { scale, shift: Math.fround(factor * text.float("shift", 0)) })]);
}

/** The logarithm to the base of (scale · x + shift). */
function logarithm(context: LayerContext): OnnxValue {
  const text = context.parameters("log_param");
  const factor = naturalLogarithm(context, text.float("base", -1));
  const base = affine(context, { scale: text.float("scale", 1), shift: text.float("shift", 0) });
  if (factor === 1) return context.add("Log", [base]);
  return context.add("Mul", [context.add("Log", [base], { suffix: "log" }), context.scalar("factor", 1 / factor)]);
}

function naturalLogarithm(context: LayerContext, base: number): number {
  if (base === -1) return 1;
  return base > 0 ? Math.log(base) : context.fail("format", `its base ${base} must be -1 or above 0`);
}

const softmax =
  (type: string): ConvertLayer =>
  (context) => {
    const axis = context.parameters("softmax_param").integer("axis", 1);
    return context.add(type, [context.input()], { attributes: { axis: context.axis(axis, context.shape().length) } });
  };

export const ACTIVATIONS: LayerTable = {
  ReLU: relu,
  ReLU6: (context) => clipped(context, 0, 6),
  Clip: clip,
  ELU: elu,
  PReLU: prelu,
  Sigmoid: plain("Sigmoid"),
  HSigmoid: (context) => hardSigmoid(context),
  HSwish: hardSwish,
  Swish: swish,
  Mish: mish,
  Gelu: gelu,
  TanH: plain("Tanh"),
  AbsVal: plain("Abs"),
  BNLL: plain("Softplus"),
  SoftPlus: plain("Softplus"),
  Threshold: threshold,
  Power: power,
  Exp: exponential,
  Log: logarithm,
  Softmax: softmax("Softmax"),
  SoftmaxWithLoss: softmax("Softmax"),
  LogSoftmax: softmax("LogSoftmax"),
  Dropout: passed,
  Split: passed,
};
