import { describePass, network } from "../../../test/models/bolt-pass.ts";
import { foldTransposeIntoMatmul } from "./fold-transpose-into-matmul.ts";

const transpose = (input: string, output: string, ...axes: number[]) =>
  ["Transpose", [input], output, { axes, num_axes: axes.length }] as const;
const matmul = (one: string, other: string, parameters = {}) => ["MatMul", [one, other], "y", parameters] as const;
const INPUTS = { inputs: { x: [1, 2, 3, 5], k: [1, 2, 3, 5] } };
const TURNED = { inputs: { x: [1, 2, 3, 5], k: [1, 3, 2, 5] } };

describePass("folding transposes into matrix products", foldTransposeIntoMatmul, {
  "of the second operand": [network([transpose("k", "t", 0, 1, 3, 2), matmul("x", "t")], INPUTS), ["MatMul"]],
  "of the first operand": [network([transpose("x", "t", 0, 1, 3, 2), matmul("t", "k")], INPUTS), ["MatMul"]],
  "where the product exchanges them back": [
    network([transpose("k", "t", 0, 1, 3, 2), matmul("x", "t", { transpose_a: 1, transpose_b: 1 })], INPUTS),
    ["MatMul"],
  ],
  "the exchange alone": [
    network([transpose("k", "t", 0, 2, 3, 1), matmul("x", "t")], TURNED),
    ["Transpose", "MatMul"],
    true,
  ],
  "not where the rows stay": [
    network([transpose("k", "t", 0, 2, 1, 3), matmul("x", "t", { transpose_b: 1 })], TURNED),
    ["Transpose", "MatMul"],
  ],
  "not where it goes out": [
    network([transpose("k", "t", 0, 1, 3, 2), matmul("x", "t")], { ...INPUTS, outputs: ["t", "y"] }),
    ["Transpose", "MatMul"],
  ],
  "not of both operands at once": [
    network([transpose("x", "t", 0, 1, 3, 2), matmul("t", "t", { transpose_b: 1 })], INPUTS),
    ["Transpose", "MatMul"],
  ],
});
