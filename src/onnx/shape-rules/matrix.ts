import type { Dimension, ElementType } from "../../graph/tensor.ts";
import { intAttribute, textAttribute } from "../attributes.ts";
import { broadcastShapes, knownOf } from "./dimensions.ts";
import { type InferOutputs, type NodeFacts, type Shape, type ShapeRules, typed } from "./shape-rule.ts";

/** Shape of a matrix product with numpy's rules: vectors get an axis for the time of the product. */
function matrixProduct(left: Shape | undefined, right: Shape | undefined): Dimension[] | undefined {
  if (left === undefined || right === undefined || left.length === 0 || right.length === 0) return undefined;
  const outer = broadcastShapes([left.slice(0, -2), right.slice(0, -2)])!;
  const rows = left.length > 1 ? [left.at(-2)] : [];
  const columns = right.length > 1 ? [right.at(-1)] : [];
  return [...outer, ...rows, ...columns];
}

function product(
  leftIndex: number,
  rightIndex: number,
  type: (facts: NodeFacts) => ElementType | undefined,
): InferOutputs {
  return (facts) => [typed(type(facts), matrixProduct(facts.shape(leftIndex), facts.shape(rightIndex)))];
}

const gemm: InferOutputs = ({ node, type, shape }) => {
  const rows = shape(0)?.[intAttribute(node, "transA", 0) ? 1 : 0];
  const columns = shape(1)?.[intAttribute(node, "transB", 0) ? 0 : 1];
  return [typed(type(0), [rows, columns])];
};

/** Letters of one term; an ellipsis stands for as many axes as are left over. */
function lettersOf(term: string, shape: Shape): string[] {
  const [before, after] = term.split("...");
  if (after === undefined) return [...term];
  const extra = shape.length - before!.length - after.length;
  const places = Array.from({ length: Math.max(0, extra) }, (_, index) => `...${extra - index}`);
  return [...before!, ...places, ...after];
}

const einsum: InferOutputs = ({ node, type, shape }) => {
  const [left, right] = textAttribute(node, "equation", "").replaceAll(" ", "").split("->");
  const terms = left!.split(",");
  const sizes = new Map<string, Dimension>();
  const counts = new Map<string, number>();
  for (const [index, term] of terms.entries()) {
    const operand = shape(index);
    if (operand === undefined) return [typed(type(0), undefined)];
    for (const [axis, letter] of lettersOf(term, operand).entries()) {
      const known = sizes.get(letter);
      sizes.set(letter, known === 1 ? operand[axis] : knownOf(known, operand[axis]));
      counts.set(letter, (counts.get(letter) ?? 0) + 1);
    }
  }
  const ellipsis = [...sizes.keys()].filter((letter) => letter.startsWith("...")).sort((a, b) => (a > b ? -1 : 1));
  const implied = [...sizes.keys()].filter((letter) => letter.length === 1 && counts.get(letter) === 1).sort();
  const letters = right === undefined ? [...ellipsis, ...implied] : expand(right, ellipsis);
  return [
    typed(
      type(0),
      letters.map((letter) => sizes.get(letter)),
    ),
  ];
};

function expand(term: string, ellipsis: readonly string[]): string[] {
  const [before, after] = term.split("...");
  return after === undefined ? [...term] : [...before!, ...ellipsis, ...after];
}

/** Matrix products. */
export const MATRIX_RULES: ShapeRules = {
  MatMul: { infer: product(0, 1, ({ type }) => type(0)) },
  MatMulInteger: { infer: product(0, 1, () => "int32") },
  // Inputs: a, its scale and zero point, b, its scale and zero point, the output's scale and zero point.
  QLinearMatMul: { infer: product(0, 3, ({ type }) => type(7)) },
  Gemm: { infer: gemm },
  Einsum: { infer: einsum },
  Det: { infer: ({ type, shape }) => [typed(type(0), shape(0)?.slice(0, -2))] },
};
