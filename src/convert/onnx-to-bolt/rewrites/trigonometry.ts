import type { OnnxValue } from "../../../onnx/model.ts";
import { type Formula, formulaOf } from "./formula.ts";
import type { Rewrite, RewriteTable } from "./rewrite.ts";

const HALF_PI = Math.PI / 2;

/** Beyond it an arctangent is a right angle in float32. */
const STEEPEST = 1e30;

/**
 * The arctangent by Newton's way: with y near it, tan(atan x - y) = (x cos y - sin y) / (cos y + x sin y), and an angle is
 * its tangent but for a third of its cube. The first guess is off by less than 0.072, so the second step is exact in float32.
 */
function arctangent({ op }: Formula, input: OnnxValue): OnnxValue {
  const slope = op("Clip", [input, -STEEPEST, STEEPEST]);
  const guess = op("Div", [slope, op("Add", [op("Abs", [slope]), 1])]);
  let angle = op("Mul", [guess, HALF_PI]);
  for (let step = 0; step < 2; step++) {
    const [sine, cosine] = [op("Sin", [angle]), op("Cos", [angle])];
    const rise = op("Sub", [op("Mul", [slope, cosine]), sine]);
    const run = op("Add", [op("Mul", [slope, sine]), cosine]);
    angle = op("Add", [angle, op("Div", [rise, run])]);
  }
  return angle;
}

/** The arcsine by steps of sin(asin x - y) = x cos y - √(1 - x²) sin y, each of which leaves a sixth of the error's cube. */
function arcsine({ op }: Formula, input: OnnxValue): OnnxValue {
  const squared = op("Mul", [op("Sub", [1, input]), op("Add", [input, 1])]);
  const cosineOfResult = op("Sqrt", [squared]);
  let angle = op("Mul", [input, HALF_PI]);
  for (let step = 0; step < 3; step++) {
    const ahead = op("Mul", [input, op("Cos", [angle])]);
    const behind = op("Mul", [cosineOfResult, op("Sin", [angle])]);
    angle = op("Add", [angle, op("Sub", [ahead, behind])]);
  }
  return angle;
}

/** sign(x) · ln(|x| + √(x² + 1)) */
function hyperbolicArcsine({ op }: Formula, input: OnnxValue): OnnxValue {
  const size = op("Abs", [input]);
  const root = op("Sqrt", [op("Add", [op("Mul", [input, input]), 1])]);
  return op("Mul", [op("Sign", [input]), op("Log", [op("Add", [size, root])])]);
}

/** ln(x + √(x² - 1)) */
function hyperbolicArccosine({ op }: Formula, input: OnnxValue): OnnxValue {
  const root = op("Sqrt", [op("Mul", [op("Sub", [input, 1]), op("Add", [input, 1])])]);
  return op("Log", [op("Add", [input, root])]);
}

/** ½ ln((1 + x) / (1 - x)) */
function hyperbolicArctangent({ op }: Formula, input: OnnxValue): OnnxValue {
  const ratio = op("Div", [op("Add", [input, 1]), op("Sub", [1, input])]);
  return op("Mul", [op("Log", [ratio]), 0.5]);
}

const by =
  (calculate: (formula: Formula, input: OnnxValue) => OnnxValue): Rewrite =>
  (rewriting) =>
    rewriting.become(calculate(formulaOf(rewriting), rewriting.node.input(0)));

/** Inverse functions of angles, from those that Bolt has. */
export const TRIGONOMETRY_EXPANSIONS: RewriteTable = {
  Atan: by(arctangent),
  Asin: by(arcsine),
  Acos: by((formula, input) => formula.op("Sub", [HALF_PI, arcsine(formula, input)])),
  Asinh: by(hyperbolicArcsine),
  Acosh: by(hyperbolicArccosine),
  Atanh: by(hyperbolicArctangent),
};
