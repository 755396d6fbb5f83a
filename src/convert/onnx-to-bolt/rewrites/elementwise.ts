import type { ElementType } from "../../../graph/tensor.ts";
import { floatAttribute, intAttribute } from "../../../onnx/attributes.ts";
import { ELEMENT_TYPES } from "../../../onnx/schema.ts";
import { encodedTensor, floatTensor } from "../../../onnx/tensor-data.ts";
import type { Rewrite, RewriteTable } from "./rewrite.ts";

function isFloat(type: ElementType): boolean {
  return type.includes("float");
}

/** A cast to bool tells what is not zero; Bolt's cuts to a whole number. */
const cast: Rewrite = (rewriting) => {
  const [input] = rewriting.node.inputs;
  if (ELEMENT_TYPES[intAttribute(rewriting.node, "to", 0)] !== "bool") return;
  const type = rewriting.typeOf(0);
  if (type === "bool") return rewriting.replace("Identity", [input]);
  const zero = rewriting.constant("zero", encodedTensor(type, [], [0]));
  rewriting.replace("Not", [rewriting.add("Equal", [input, zero], "isZero")]);
};

/** Bolt's limits are float numbers; such as are computed, or whole, go through Max and Min. */
const clip: Rewrite = (rewriting) => {
  const [input, low, high] = rewriting.node.inputs;
  const isConstant = [low, high].every((limit) => limit === undefined || limit.constant !== undefined);
  if (isConstant && isFloat(rewriting.typeOf(0))) return;
  const raised = low === undefined ? input : rewriting.add("Max", [input, low], "raised");
  if (high === undefined) rewriting.replace("Identity", [raised]);
  else rewriting.replace("Min", [raised, high]);
};

/** Of one operand these are the operand itself. */
const several: Rewrite = (rewriting) => {
  if (rewriting.node.inputs.length === 1) rewriting.replace("Identity", rewriting.node.inputs);
};

const mean: Rewrite = (rewriting) => {
  const { inputs } = rewriting.node;
  const sum = inputs.length === 1 ? inputs[0] : rewriting.add("Sum", inputs, "sum");
  rewriting.replace("Mul", [sum, rewriting.constant("share", floatTensor([], [1 / inputs.length]))]);
};

/** Scaled: γ × elu(x, α). */
const selu: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const [alpha, gamma] = [
    floatAttribute(node, "alpha", 1.6732631921768188),
    floatAttribute(node, "gamma", 1.0507010221481323),
  ];
  const unit = rewriting.add("Elu", [node.input(0)], "elu", { alpha: { float: alpha } });
  rewriting.replace("Mul", [unit, rewriting.constant("gamma", floatTensor([], [gamma]))]);
};

/** x / (1 + |x|) */
const softsign: Rewrite = (rewriting) => {
  const input = rewriting.node.input(0);
  const size = rewriting.add("Abs", [input], "magnitude");
  rewriting.replace("Div", [
    input,
    rewriting.add("Add", [size, rewriting.constant("one", floatTensor([], [1]))], "divisor"),
  ]);
};

/** x × tanh(ln(1 + eˣ)) */
const mish: Rewrite = (rewriting) => {
  const input = rewriting.node.input(0);
  const gate = rewriting.add("Tanh", [rewriting.add("Softplus", [input], "softplus")], "gate");
  rewriting.replace("Mul", [input, gate]);
};

const hardSwish: Rewrite = (rewriting) => {
  const input = rewriting.node.input(0);
  const gate = rewriting.add("HardSigmoid", [input], "gate", {
    alpha: { float: Math.fround(1 / 6) },
    beta: { float: 0.5 },
  });
  rewriting.replace("Mul", [input, gate]);
};

/** Empty parts add nothing, and Bolt has no empty tensors. */
const concat: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const full = node.inputs.filter((_, index) => !rewriting.shapeOf(index).includes(0));
  if (full.length === node.inputs.length) return;
  if (full.length === 0) rewriting.fail("its result is empty");
  rewriting.replace(full.length === 1 ? "Identity" : "Concat", full, { axis: intAttribute(node, "axis", 1) });
};

/** Operators that work element by element, and what moves elements. */
export const ELEMENTWISE_REWRITES: RewriteTable = {
  Cast: cast,
  Clip: clip,
  Max: several,
  Min: several,
  Sum: several,
  Mean: mean,
  HardSwish: hardSwish,
  Selu: selu,
  Softsign: softsign,
  Mish: mish,
  Concat: concat,
};
