import { elementCount } from "../../../graph/tensor.ts";
import type { OnnxValue } from "../../../onnx/model.ts";
import { numbersOf } from "../../../onnx/tensor-data.ts";
import { type Formula, formulaOf } from "./formula.ts";
import type { Rewrite, RewriteTable } from "./rewrite.ts";

/** Stands for the logarithm of zero, so that zero times it is zero. */
const LOGARITHM_OF_ZERO = -1e38;

/**
 * xʸ = exp(y ln |x|), with the sign of an odd power where x is below zero and y whole; not a number where x is below zero
 * and y is not whole.
 */
function power({ op, cast }: Formula, base: OnnxValue, exponent: OnnxValue): OnnxValue {
  const logarithm = op("Max", [op("Log", [op("Abs", [base])]), LOGARITHM_OF_ZERO]);
  const size = op("Exp", [op("Mul", [exponent, logarithm])]);
  const half = op("Mul", [exponent, 0.5]);
  const odd = op("Mul", [op("Sub", [half, op("Floor", [half])]), 2]);
  const below = cast(op("Less", [base, 0]), "float32");
  const sign = op("Sub", [1, op("Mul", [op("Mul", [odd, below]), 2])]);
  const nothing = op("Mul", [op("Sqrt", [op("Min", [base, 1])]), 0]);
  const whole = op("Equal", [op("Floor", [exponent]), exponent]);
  return op("Where", [whole, op("Mul", [size, sign]), op("Add", [size, nothing])]);
}

/** Bolt's power has a number as exponent; that of a positive constant is exp(x ln a). */
const pow: Rewrite = async (rewriting) => {
  const { node } = rewriting;
  const [base, exponent] = [node.input(0), node.input(1)];
  if (exponent.constant !== undefined && elementCount(exponent.constant.shape) === 1) return;
  const formula = formulaOf(rewriting);
  if (base.constant !== undefined && Array.from(await numbersOf(base.constant)).every((number) => number > 0)) {
    const logarithm = formula.op("Log", [formula.cast(base, "float32")]);
    return rewriting.become(formula.op("Exp", [formula.op("Mul", [exponent, logarithm])]));
  }
  const type = rewriting.typeOf(0);
  const result = power(formula, formula.cast(base, "float32"), formula.cast(exponent, "float32"));
  rewriting.become(type.includes("float") ? result : formula.cast(formula.op("Round", [result]), type));
};

/** Powers whose exponents are not one number. */
export const POWER_EXPANSIONS: RewriteTable = { Pow: pow };
