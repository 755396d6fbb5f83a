import { floatAttribute, intAttribute } from "../../../onnx/attributes.ts";
import type { OnnxValue } from "../../../onnx/model.ts";
import { floatTensor } from "../../../onnx/tensor-data.ts";
import type { Rewrite, RewriteTable, Rewriting } from "./rewrite.ts";

/** Bolt's matrix product has no factors and no transposed left side, and its bias is a row of constants. */
const gemm: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const [alpha, beta] = [floatAttribute(node, "alpha", 1), floatAttribute(node, "beta", 1)];
  const [transA, transB] = [intAttribute(node, "transA", 0), intAttribute(node, "transB", 0)];
  const summand = node.inputs[2];
  const isRow = summand === undefined || isBias(rewriting, summand, transB);
  if (alpha === 1 && beta === 1 && transA === 0 && isRow) return;
  const left = transA === 0 ? node.input(0) : rewriting.add("Transpose", [node.input(0)], "left", { perm: [1, 0] });
  const right = scaled(rewriting, node.input(1), alpha, "alpha");
  const added = summand && scaled(rewriting, summand, beta, "beta");
  if (isRow) return rewriting.replace("Gemm", [left, right, added], { transB });
  rewriting.replace("Add", [rewriting.add("Gemm", [left, right], "product", { transB }), added]);
};

function isBias(rewriting: Rewriting, summand: OnnxValue, transB: number): boolean {
  const weight = rewriting.node.input(1).constant?.shape;
  const { constant } = summand;
  const outputs = weight?.[transB === 0 ? 1 : 0];
  const isRow = constant?.shape.slice(0, -1).every((size) => size === 1);
  return isRow === true && outputs !== undefined && constant!.shape.at(-1) === outputs;
}

function scaled(rewriting: Rewriting, value: OnnxValue, factor: number, name: string): OnnxValue {
  if (factor === 1) return value;
  return rewriting.add("Mul", [value, rewriting.constant(name, floatTensor([], [factor]))], `${name}Scaled`);
}

/** Matrix products. */
export const MATRIX_REWRITES: RewriteTable = { Gemm: gemm };
