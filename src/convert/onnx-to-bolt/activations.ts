import { floatAttribute, intAttribute } from "../../onnx/attributes.ts";
import {
  allInputs,
  constantNumbers,
  dynamicInputs,
  isOneNumberBeside,
  type Lower,
  type LoweredOperator,
} from "./lowering.ts";

/** Beyond these Bolt's float16 has no numbers; a Clip without limits states them. */
const FLOAT16_MAX = 65504;

/** Operators without parameters that are the same in both. */
const PLAIN: Readonly<Record<string, string>> = {
  Tanh: "TanH",
  Erf: "Erf",
  Gelu: "Gelu",
  Sigmoid: "Sigmoid",
  Softplus: "Softplus",
  Exp: "Exp",
  Sign: "Sign",
  Not: "Not",
  Abs: "Abs",
  Reciprocal: "Reciprocal",
  Log: "Log",
  Neg: "Neg",
  Round: "Round",
  Floor: "Floor",
  Ceil: "Ceil",
  Sin: "Sin",
  Cos: "Cos",
  NonZero: "NonZero",
  Dropout: "Dropout",
};

const lowerRelu: Lower = async () => [{ type: "Relu", parameters: { neg_slope: 0 } }];

const lowerLeakyRelu: Lower = async (node, { asBolt }) => [
  { type: "Relu", parameters: { neg_slope: floatAttribute(node, "alpha", asBolt ? 0 : 0.01) } },
];

const lowerElu: Lower = async (node, { asBolt }) => [
  { type: "Elu", parameters: { neg_slope: floatAttribute(node, "alpha", asBolt ? 0 : 1) } },
];

/** Bolt's HSigmoid is that of alpha 1/6 and beta 1/2; others are written as what they mean. */
const lowerHardSigmoid: Lower = async (node, { asBolt, note }) => {
  const alpha = floatAttribute(node, "alpha", 0.2);
  const beta = floatAttribute(node, "beta", 0.5);
  if (asBolt || (Math.abs(alpha - 1 / 6) < 1e-4 && beta === 0.5)) return [{ type: "HSigmoid" }];
  note(`HardSigmoid with alpha ${alpha.toPrecision(3)} becomes a Power and a Clip, as Bolt's own has alpha 1/6`);
  return [
    { nameSuffix: "_linear", type: "Power", parameters: { scale: alpha, shift: beta, power: 1 } },
    { type: "Clip", parameters: { min: 0, max: 1 } },
  ];
};

const lowerClip: Lower = async (node) => {
  if (node.inputs.length <= 1) {
    return [clip(floatAttribute(node, "min", -FLOAT16_MAX), floatAttribute(node, "max", FLOAT16_MAX))];
  }
  const [low, high] = [await constantNumbers(node, 1), await constantNumbers(node, 2)];
  return [clip(low?.[0] ?? Number.NEGATIVE_INFINITY, high?.[0] ?? Number.POSITIVE_INFINITY)];
};

function clip(min: number, max: number): LoweredOperator {
  return { type: "Clip", parameters: { min, max } };
}

/** Limits by one number as a Clip; Bolt does so whatever the second operand is, and then reads the first alone. */
const lowerExtreme: Lower = async (node, { asBolt }) => {
  const isMax = node.type === "Max";
  if (!asBolt && !isOneNumberBeside(node))
    return [{ type: "Eltwise", inputs: allInputs(node), parameters: { mode: node.type.toUpperCase() } }];
  const place = asBolt || node.inputs[1]?.constant !== undefined ? 1 : 0;
  const limit = (await constantNumbers(node, place))?.[0] ?? (isMax ? 0 : 1);
  const limits = isMax ? clip(limit, Number.POSITIVE_INFINITY) : clip(Number.NEGATIVE_INFINITY, limit);
  return [{ ...limits, inputs: dynamicInputs(node).slice(0, 1) }];
};

const lowerSoftmax =
  (type: string): Lower =>
  async (node) => [{ type, parameters: { axis: intAttribute(node, "axis", -1) } }];

export const ACTIVATIONS: Readonly<Record<string, Lower>> = {
  ...Object.fromEntries(
    Object.entries(PLAIN).map(([type, bolt]): [string, Lower] => [type, async () => [{ type: bolt }]]),
  ),
  Relu: lowerRelu,
  LeakyRelu: lowerLeakyRelu,
  Elu: lowerElu,
  HardSigmoid: lowerHardSigmoid,
  Clip: lowerClip,
  Max: lowerExtreme,
  Min: lowerExtreme,
  Softmax: lowerSoftmax("Softmax"),
  LogSoftmax: lowerSoftmax("LogSoftmax"),
};
