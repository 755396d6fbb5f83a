import { elementCount } from "../../../graph/tensor.ts";
import { intAttribute } from "../../../onnx/attributes.ts";
import { elementTypeNumber } from "../../../onnx/schema.ts";
import { floatTensor, integersOf } from "../../../onnx/tensor-data.ts";
import type { Rewrite, RewriteTable } from "./rewrite.ts";

/** a - b · ⌊a / b + ½ / |b|⌋: the half keeps a rounded quotient from falling below its whole number. */
const modulo: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const type = rewriting.typeOf(0);
  if (intAttribute(node, "fmod", 0) !== 0 || !type.includes("int"))
    rewriting.fail("Bolt has no remainder of floats, nor one with the sign of the dividend");
  const float = { to: elementTypeNumber("float32") };
  const [dividend, divisor] = [0, 1].map((place) =>
    rewriting.add("Cast", [node.input(place)], `operand${place}`, float),
  );
  const half = rewriting.constant("half", floatTensor([], [0.5]));
  const signed = rewriting.add("Mul", [rewriting.add("Sign", [divisor], "sign"), half], "signedHalf");
  const between = rewriting.add("Add", [dividend, signed], "between");
  const quotient = rewriting.add("Floor", [rewriting.add("Div", [between, divisor], "quotient")], "whole");
  const rest = rewriting.add("Sub", [dividend, rewriting.add("Mul", [quotient, divisor], "multiple")], "rest");
  rewriting.replace("Cast", [rest], { to: elementTypeNumber(type) });
};

/** Times a matrix of 1 on the side that is kept, and 0. */
const triangle: Rewrite = async (rewriting) => {
  const { node } = rewriting;
  const diagonal = node.inputs[1];
  if (diagonal !== undefined && diagonal.constant === undefined)
    return rewriting.fail("its diagonal is computed while the network runs");
  const offset = diagonal?.constant === undefined ? 0 : (await integersOf(diagonal.constant))[0]!;
  const isUpper = intAttribute(node, "upper", 1) !== 0;
  const [rows, columns] = rewriting.staticShapeOf(0).slice(-2) as [number, number];
  const mask = Float32Array.from({ length: elementCount([rows, columns]) }, (_, index) => {
    const distance = (index % columns) - Math.floor(index / columns) - offset;
    return (isUpper ? distance >= 0 : distance <= 0) ? 1 : 0;
  });
  if (rewriting.typeOf(0) !== "float32") rewriting.fail("Bolt cuts triangles of float32 alone");
  rewriting.replace("Mul", [node.input(0), rewriting.constant("mask", floatTensor([rows, columns], mask))]);
};

/** Remainders, and what is kept by its place. */
export const INTEGER_REWRITES: RewriteTable = { Mod: modulo, Trilu: triangle };
