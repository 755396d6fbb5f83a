import { expect, it } from "vitest";
import { type BoltOperator, boltModel, boltOperator } from "../../../test/models/bolt-model.ts";
import { conv, describePass, network } from "../../../test/models/bolt-pass.ts";
import { memoryBytes } from "../../io/bytes.ts";
import { fuseDepthwisePointwise } from "./fuse-depthwise-pointwise.ts";

const depthwise = (more: Readonly<Record<string, string>> = {}) =>
  conv("x", "d", { group: 4, convolution_type: "DEPTHWISE", ...more });
const pointwise = (more: Readonly<Record<string, string | number>> = {}) =>
  conv("d", "y", { kernel: 1, outputs: 6, ...more });
const bare = ([type, inputs, outputs, parameters, weight]: BoltOperator): BoltOperator => [
  type,
  inputs,
  outputs,
  parameters ?? {},
  { weight: weight!.weight! },
];

describePass("fusing a depthwise convolution with the one behind it", fuseDepthwisePointwise, {
  "joins weights and biases": [network([depthwise(), pointwise()]), ["Conv"]],
  "keeps both activations": [
    network([depthwise({ dw_activation_type: "RELU" }), pointwise({ pw_activation_type: "RELU6" })]),
    ["Conv"],
  ],
  "takes a missing first bias for zeros": [network([bare(depthwise()), pointwise()]), ["Conv"]],
  "takes a missing second bias for zeros": [network([depthwise(), bare(pointwise())]), ["Conv"]],
  "not where the second sees more than a pixel": [network([depthwise(), pointwise({ kernel: 3 })]), ["Conv", "Conv"]],
  "not where the second is grouped": [network([depthwise(), pointwise({ group: 2 })]), ["Conv", "Conv"]],
  "not two depthwise ones": [
    network([depthwise(), conv("d", "y", { group: 4, convolution_type: "DEPTHWISE" })]),
    ["Conv", "Conv"],
  ],
  "not two plain ones": [network([conv("x", "d"), pointwise()]), ["Conv", "Conv"]],
  "not where the tensor between is an output": [
    network([depthwise(), pointwise()], { outputs: ["d", "y"] }),
    ["Conv", "Conv"],
  ],
  "not where others read it": [
    network([depthwise(), pointwise(), ["Relu", ["d"], "z"]], { outputs: ["y", "z"] }),
    ["Conv", "Conv", "Relu"],
  ],
});

it("leaves a damaged model alone that has more biases than channels", async () => {
  const model = boltModel(network([depthwise(), pointwise()]));
  model.weights.of(boltOperator(model, "d"))!.vector = memoryBytes(new Uint8Array(4 * 5));
  expect(await fuseDepthwisePointwise(model, { asBolt: true })).toBe(false);
});

it("reads any part of the joined weight", async () => {
  const [first, second] = [depthwise(), pointwise()];
  const model = boltModel(network([first, second]));
  await fuseDepthwisePointwise(model, { asBolt: false });
  const { weight } = model.weights.of(boltOperator(model, "d"))!;
  const whole = new Uint8Array(
    Float32Array.of(...Array.from(first[4]!.weight!), ...Array.from(second[4]!.weight!)).buffer,
  );
  const border = 4 * first[4]!.weight!.length;
  expect(await weight.read()).toEqual(whole);
  for (const [offset, length] of [
    [0, border],
    [border, 8],
    [border - 3, 7],
    [border - 8, 8],
    [5, 0],
  ] as const) {
    expect(await weight.read(offset, length)).toEqual(whole.subarray(offset, offset + length));
  }
});
