import { expect, it } from "vitest";
import { boltModel, boltOperator } from "../../../test/models/bolt-model.ts";
import { conv, describePass, eltwise, network } from "../../../test/models/bolt-pass.ts";
import { fuseActivation } from "./fuse-activation.ts";

const RELU = ["Relu", ["c"], "y"] as const;
const DEPTHWISE = { group: 4, convolution_type: "DEPTHWISE" };

describePass("fusing a Relu", fuseActivation, {
  "into a convolution": [network([conv("x", "c"), RELU]), ["Conv"]],
  "into a depthwise one": [network([conv("x", "c", DEPTHWISE), RELU]), ["Conv"]],
  "into a dilated one": [network([conv("x", "c", { convolution_type: "DILATION" }), RELU]), ["Conv"]],
  "into an addition": [network([eltwise("SUM", ["x", "x"], "c"), RELU]), ["Eltwise"]],
  "not with a slope": [network([conv("x", "c"), ["Relu", ["c"], "y", { neg_slope: 0.1 }]]), ["Conv", "Relu"]],
  "not another activation": [network([conv("x", "c"), ["Relu6", ["c"], "y"]]), ["Conv", "Relu6"]],
  "not into another operator": [network([["Sigmoid", ["x"], "c"], RELU]), ["Sigmoid", "Relu"]],
  "not where others read what it reads": [
    network([conv("x", "c"), RELU, ["Sigmoid", ["c"], "z"]], { outputs: ["y", "z"] }),
    ["Conv", "Relu", "Sigmoid"],
  ],
  "not behind an output of the network": [network([conv("x", "c"), RELU], { outputs: ["c", "y"] }), ["Conv", "Relu"]],
});

it.each([
  ["DEPTHWISE", "dw_activation_type", "pw_activation_type"],
  ["POINTWISE", "pw_activation_type", "dw_activation_type"],
  ["DECONVOLUTION", "pw_activation_type", "dw_activation_type"],
  ["DILATION", "pw_activation_type", "dw_activation_type"],
] as const)("puts that of a convolution of the kind %s into %s", async (kind, field, other) => {
  const model = boltModel(network([conv("x", "c", { convolution_type: kind }), RELU], { outputs: ["c", "y"] }));
  expect(await fuseActivation(model, { asBolt: true })).toBe(true);
  const { parameters } = boltOperator(model, "c").data;
  expect([parameters.name(field), parameters.name(other)]).toEqual(["RELU", "NULL"]);
});
