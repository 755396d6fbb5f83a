import { floatAttribute } from "../../../onnx/attributes.ts";
import type { OnnxValue } from "../../../onnx/model.ts";
import { floatTensor } from "../../../onnx/tensor-data.ts";
import type { Rewrite, RewriteTable, Rewriting } from "./rewrite.ts";

function number(rewriting: Rewriting, suffix: string, value: number): OnnxValue {
  return rewriting.constant(suffix, floatTensor([], [value]));
}

/** 1 where an input is greater than a number, else 0. */
function above(rewriting: Rewriting, input: OnnxValue, limit: number, suffix: string): OnnxValue {
  const distance = rewriting.add("Sub", [input, number(rewriting, `${suffix}Limit`, limit)], `${suffix}Distance`);
  return rewriting.add("Relu", [rewriting.add("Sign", [distance], `${suffix}Sign`)], suffix);
}

/** α · elu(x / α). */
const celu: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const alpha = floatAttribute(node, "alpha", 1);
  const inner = rewriting.add("Div", [node.input(0), number(rewriting, "divisor", alpha)], "inner");
  const curve = rewriting.add("Elu", [inner], "curve", { alpha: { float: 1 } });
  rewriting.replace("Mul", [curve, number(rewriting, "alpha", alpha)]);
};

const thresholdedRelu: Rewrite = (rewriting) => {
  const input = rewriting.node.input(0);
  rewriting.replace("Mul", [input, above(rewriting, input, floatAttribute(rewriting.node, "alpha", 1), "above")]);
};

/** x - bias above λ, x + bias below -λ, else 0. */
const shrink: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const input = node.input(0);
  const [limit, bias] = [floatAttribute(node, "lambd", 0.5), floatAttribute(node, "bias", 0)];
  const shift = number(rewriting, "bias", bias);
  const negated = rewriting.add("Neg", [input], "negated");
  const parts = [input, negated].map((side, index) => {
    const less = rewriting.add("Sub", [side, shift], `less${index}`);
    return rewriting.add("Mul", [less, above(rewriting, side, limit, `above${index}`)], `part${index}`);
  });
  rewriting.replace("Sub", parts);
};

/** x · sigmoid(α x). */
const swish: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const input = node.input(0);
  const alpha = floatAttribute(node, "alpha", 1);
  const inner = alpha === 1 ? input : rewriting.add("Mul", [input, number(rewriting, "alpha", alpha)], "inner");
  rewriting.replace("Mul", [input, rewriting.add("Sigmoid", [inner], "gate")]);
};

const tangent: Rewrite = (rewriting) => {
  const { inputs } = rewriting.node;
  rewriting.replace("Div", [rewriting.add("Sin", inputs, "sine"), rewriting.add("Cos", inputs, "cosine")]);
};

/** Half the sum, or half the difference, of exp(x) and exp(-x). */
const hyperbolic =
  (type: string): Rewrite =>
  (rewriting) => {
    const input = rewriting.node.input(0);
    const rising = rewriting.add("Exp", [input], "rising");
    const falling = rewriting.add("Exp", [rewriting.add("Neg", [input], "negated")], "falling");
    const both = rewriting.add(type, [rising, falling], "both");
    rewriting.replace("Mul", [both, number(rewriting, "half", 0.5)]);
  };

/** Functions of one number that Bolt lacks, as such that it has. */
export const ACTIVATION_REWRITES: RewriteTable = {
  Celu: celu,
  ThresholdedRelu: thresholdedRelu,
  Shrink: shrink,
  Swish: swish,
  Tan: tangent,
  Sinh: hyperbolic("Sub"),
  Cosh: hyperbolic("Add"),
};
