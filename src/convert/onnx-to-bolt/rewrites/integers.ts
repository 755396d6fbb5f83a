import { intAttribute } from "../../../onnx/attributes.ts";
import { formulaOf } from "./formula.ts";
import type { Rewrite, RewriteTable } from "./rewrite.ts";

/**
 * a - b · ⌊a / b + ½ / |b|⌋: the half keeps a rounded quotient from falling below its whole number. With the sign of the
 * dividend it is that of the magnitudes.
 */
const modulo: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const type = rewriting.typeOf(0);
  if (!type.includes("int")) rewriting.fail("Bolt has no remainder of floats");
  const { op, cast } = formulaOf(rewriting);
  const operands = [cast(node.input(0), "float32"), cast(node.input(1), "float32")] as const;
  const isSigned = intAttribute(node, "fmod", 0) !== 0;
  const [dividend, divisor] = isSigned ? operands.map((operand) => op("Abs", [operand])) : operands;
  const between = op("Add", [dividend, op("Mul", [op("Sign", [divisor]), 0.5])]);
  const quotient = op("Floor", [op("Div", [between, divisor])]);
  const rest = op("Sub", [dividend, op("Mul", [quotient, divisor])]);
  rewriting.become(cast(isSigned ? op("Mul", [rest, op("Sign", [operands[0]])]) : rest, type));
};

/** Remainders. */
export const INTEGER_REWRITES: RewriteTable = { Mod: modulo };
