import type { OnnxValue } from "../../../onnx/model.ts";
import { product } from "../../channels-last/reduction.ts";
import type { ConvertOperator, OperatorContext, OperatorTable } from "../operator-context.ts";

/** Two matrices, either of them turned; a bias that is added later becomes part of it. */
const matrixProduct: ConvertOperator = (context) => {
  const [left, right] = [context.input(), context.input(1)];
  const [rows, columns] = [context.shapeOf(left), context.shapeOf(right)];
  if (rows.length !== 2 || columns.length !== 2) context.fail("format", "it wants two matrices");
  const turned = [context.flag("transpose_a"), context.flag("transpose_b")] as const;
  const attributes = { transA: Number(turned[0]), transB: Number(turned[1]) };
  const value = product(context, [left, right], turned);
  context.rewritable.withBias.set(value, (bias) =>
    context.add("Gemm", [left, right, bias], { attributes, suffix: "biased" }),
  );
  return value;
};

/** `adj` turns and takes the conjugate, which real numbers are of themselves. */
const batchProduct: ConvertOperator = (context) =>
  product(context, [context.input(), context.input(1)], [context.flag("adj_x"), context.flag("adj_y")]);

const einsum: ConvertOperator = (context): OnnxValue => {
  const equation = context.text("equation");
  const operands = context.inputs.map((input, index) => context.last(input, `last${index}`));
  return context.first(
    context.add("Einsum", operands, { attributes: { equation }, shape: einsumShape(context, equation) }),
  );
};

/** Each letter has one size; an ellipsis is left to what ONNX makes of it. */
function einsumShape(context: OperatorContext, equation: string): readonly number[] {
  const [terms = "", result] = equation.replaceAll(" ", "").split("->");
  const lists = terms.split(",");
  if (
    result === undefined ||
    /[^A-Za-z,>-]/.test(equation.replaceAll(" ", "")) ||
    lists.length !== context.inputs.length
  )
    context.fail("unsupported", `the equation "${equation}" cannot be converted`);
  const sizes = new Map<string, number>();
  lists.forEach((letters, index) => {
    const shape = context.lastShape(index);
    if (letters.length !== shape.length) context.fail("format", `"${letters}" does not fit its input ${index}`);
    for (const [axis, letter] of [...letters].entries()) sizes.set(letter, shape[axis]!);
  });
  return [...result].map(
    (letter) => sizes.get(letter) ?? context.fail("format", `"${letter}" is no axis of its inputs`),
  );
}

export const MATRICES: OperatorTable = {
  MatMul: matrixProduct,
  BatchMatMul: batchProduct,
  BatchMatMulV2: batchProduct,
  BatchMatMulV3: batchProduct,
  Einsum: einsum,
};
