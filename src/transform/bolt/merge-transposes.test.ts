import { describePass, network } from "../../../test/models/bolt-pass.ts";
import { mergeTransposes } from "./merge-transposes.ts";

const transpose = (input: string, output: string, ...axes: number[]) =>
  ["Transpose", [input], output, { axes, num_axes: axes.length }] as const;
const X = { inputs: { x: [2, 3, 4, 5] } };

describePass("merging transposes", mergeTransposes, {
  "two into one": [network([transpose("x", "a", 1, 2, 3, 0), transpose("a", "y", 1, 2, 3, 0)], X), ["Transpose"]],
  "two of three axes into one": [
    network([transpose("x", "a", 1, 2, 0), transpose("a", "y", 0, 2, 1)], { inputs: { x: [2, 3, 4] } }),
    ["Transpose"],
  ],
  "two that cancel into none": [
    network(
      [["Abs", ["x"], "i"], transpose("i", "a", 0, 2, 3, 1), transpose("a", "b", 0, 3, 1, 2), ["Neg", ["b"], "y"]],
      X,
    ),
    ["Abs", "Neg"],
  ],
  "three into one": [
    network([transpose("x", "a", 1, 2, 3, 0), transpose("a", "b", 3, 0, 1, 2), transpose("b", "y", 0, 2, 1, 3)], X),
    ["Transpose"],
  ],
  "over an activation": [
    network([transpose("x", "a", 0, 2, 3, 1), ["Relu", ["a"], "r"], transpose("r", "y", 1, 0, 2, 3)], X),
    ["Relu", "Transpose"],
  ],
  "not over other operators": [
    network(
      [transpose("x", "a", 0, 2, 3, 1), ["Softmax", ["a"], "r", { axis: -1 }], transpose("r", "y", 0, 3, 1, 2)],
      X,
    ),
    ["Transpose", "Softmax", "Transpose"],
  ],
  "not where the tensor between goes out": [
    network([transpose("x", "a", 0, 2, 3, 1), transpose("a", "y", 0, 3, 1, 2)], { ...X, outputs: ["a", "y"] }),
    ["Transpose", "Transpose"],
  ],
  "not where others read it": [
    network([transpose("x", "a", 0, 2, 3, 1), transpose("a", "y", 0, 3, 1, 2), ["Neg", ["a"], "z"]], {
      ...X,
      outputs: ["y", "z"],
    }),
    ["Transpose", "Transpose", "Neg"],
  ],
});
