import { describe, expect, it } from "vitest";
import { type BoltOperator, boltModel } from "../../../test/models/bolt-model.ts";
import { conv, describePass, fullyConnected, network } from "../../../test/models/bolt-pass.ts";
import { typesOf } from "../../../test/models/onnx-model.ts";
import { normalValues } from "../../../test/models/values.ts";
import { foldBatchNorm, forEachChannel } from "./fold-batch-norm.ts";
import { dropRetired } from "./pass.ts";

const norm = (input: string, output: string, { gama = 1, axis = 1 } = {}): BoltOperator => [
  "BatchNorm",
  [input],
  output,
  { axis, eps: 0.01, gama },
  { weight: normalValues(4, 3), vector: Float32Array.of(0.5, 1, 2, 4) },
];

const withoutBias = ([type, inputs, outputs, parameters, weight]: BoltOperator): BoltOperator => [
  type,
  inputs,
  outputs,
  parameters ?? {},
  { weight: weight!.weight! },
];

describePass("folding a BatchNorm", foldBatchNorm, {
  "into a convolution": [network([conv("x", "c"), norm("c", "y")]), ["Conv"]],
  "into one without bias": [network([withoutBias(conv("x", "c")), norm("c", "y")]), ["Conv"]],
  "with a factor of its own": [network([conv("x", "c"), norm("c", "y", { gama: 0.5 })]), ["Conv"]],
  "into a depthwise convolution": [
    network([conv("x", "c", { group: 4, convolution_type: "DEPTHWISE" }), norm("c", "y")]),
    ["Conv"],
  ],
  "into a fully connected layer": [
    network([fullyConnected("x", "c", 6, 4), norm("c", "y")], { inputs: { x: [3, 6] } }),
    ["FC"],
  ],
  "not over an activation inside the convolution": [
    network([conv("x", "c", { pw_activation_type: "RELU" }), norm("c", "y")]),
    ["Conv", "BatchNorm"],
  ],
  "nor over that of a depthwise one": [
    network([conv("x", "c", { group: 4, convolution_type: "DEPTHWISE", dw_activation_type: "RELU" }), norm("c", "y")]),
    ["Conv", "BatchNorm"],
  ],
  "not where others read the convolution": [
    network([conv("x", "c"), norm("c", "y"), ["Relu", ["c"], "z"]], { outputs: ["y", "z"] }),
    ["Conv", "BatchNorm", "Relu"],
  ],
  "not where the convolution is an output": [
    network([conv("x", "c"), norm("c", "y")], { outputs: ["c", "y"] }),
    ["Conv", "BatchNorm"],
  ],
  "not into a Relu": [network([["Relu", ["x"], "r"], norm("r", "y")]), ["Relu", "BatchNorm"]],
});

it("folds where the convolution is an output too, as Bolt does", async () => {
  const model = boltModel(network([conv("x", "c"), norm("c", "y")], { outputs: ["c", "y"] }));
  expect(await foldBatchNorm(model, { asBolt: true })).toBe(true);
  dropRetired(model);
  expect(typesOf(model)).toEqual(["Conv"]);
});

describe("forEachChannel", () => {
  it.each([
    [
      0,
      12,
      4,
      [
        [0, 0, 4],
        [1, 4, 8],
        [2, 8, 12],
      ],
    ],
    [
      3,
      6,
      4,
      [
        [0, 0, 1],
        [1, 1, 5],
        [2, 5, 6],
      ],
    ],
    [8, 8, 4, [[2, 0, 4]]],
    [0, 5, 0, []],
  ])("from %i, %i values of %i a channel", (first, count, perChannel, expected) => {
    const visits: number[][] = [];
    forEachChannel(count, first, perChannel, 3, (...visit) => visits.push(visit));
    expect(visits).toEqual(expected);
  });
});
