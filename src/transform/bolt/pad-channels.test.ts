import { describe, expect, it } from "vitest";
import { type BoltOperator, boltModel, boltOperator, convolution } from "../../../test/models/bolt-model.ts";
import { conv, describePass, eltwise, network } from "../../../test/models/bolt-pass.ts";
import { typesOf } from "../../../test/models/onnx-model.ts";
import { normalValues } from "../../../test/models/values.ts";
import { padChannels } from "./pad-channels.ts";
import { dropRetired } from "./pass.ts";

const deconv = (input: string, output: string, channels: number, outputs: number, group = 1): BoltOperator => [
  "Deconvolution",
  [input],
  output,
  convolution(outputs, 3, { group, convolution_type: "DECONVOLUTION" }),
  { weight: normalValues((channels * outputs * 9) / group, 3), vector: normalValues(outputs, 4) },
];
const widths = (operator: BoltOperator, channels: number) =>
  network([operator], { inputs: { x: [1, channels, 5, 5] } });

describePass("padding channels to multiples of 8", padChannels, {
  "a convolution": [network([conv("x", "y", { outputs: 5 })]), ["Conv", "ChannelResize"]],
  "not one with 8": [network([conv("x", "y", { outputs: 8 })]), ["Conv"]],
  "a grouped one, by 8 a group": [network([conv("x", "y", { outputs: 6, group: 2 })]), ["Conv", "ChannelResize"]],
  "a dilated one": [network([conv("x", "y", { outputs: 5, convolution_type: "DILATION" })]), ["Conv", "ChannelResize"]],
  "a depthwise one, before and behind": [
    network([conv("x", "y", { group: 4, convolution_type: "DEPTHWISE" })]),
    ["ChannelResize", "Conv", "ChannelResize"],
  ],
  "a transposed one": [widths(deconv("x", "y", 8, 5), 8), ["Deconvolution", "ChannelResize"]],
  "a transposed one, its inputs": [widths(deconv("x", "y", 3, 8), 3), ["ChannelResize", "Deconvolution"]],
  "a transposed one, both": [widths(deconv("x", "y", 3, 5), 3), ["ChannelResize", "Deconvolution", "ChannelResize"]],
  "no cut before a span that undoes it": [
    network([
      conv("x", "c"),
      ["Relu", ["c"], "r"],
      conv("r", "d", { outputs: 4 }),
      conv("d", "y", { group: 4, convolution_type: "DEPTHWISE" }),
    ]),
    ["Conv", "ChannelResize", "Relu", "Conv", "Conv", "ChannelResize"],
  ],
  "the cut stays for others": [
    network([conv("x", "d"), conv("d", "y", { group: 4, convolution_type: "DEPTHWISE" }), ["Neg", ["d"], "z"]], {
      outputs: ["y", "z"],
    }),
    ["Conv", "ChannelResize", "Conv", "ChannelResize", "Neg"],
  ],
  "the cut stays as an output": [
    network([conv("x", "d"), conv("d", "y", { group: 4, convolution_type: "DEPTHWISE" })], { outputs: ["d", "y"] }),
    ["Conv", "ChannelResize", "Conv", "ChannelResize"],
  ],
  "nothing else": [network([eltwise("SUM", ["x", "x"], "y")]), ["Eltwise"]],
});

describe("the operators added", () => {
  it("are named by place, the span naming the cut that undoes it", async () => {
    const model = boltModel(
      network([["Neg", ["x"], "n"], conv("n", "y", { group: 4, convolution_type: "DEPTHWISE" })]),
    );
    await padChannels(model, { asBolt: false });
    expect(model.graph.nodes.map(({ name }) => name)).toEqual(["n", "ChannelResize_1", "y", "ChannelResize_3"]);
    const span = boltOperator(model, "ChannelResize_1").data.parameters;
    expect(span.text("symmetric")).toBe("ChannelResize_3");
    expect(span.numbers("group", "channel_before", "channel_after")).toEqual([1, 4, 8]);
    const cut = boltOperator(model, "ChannelResize_3").data.parameters;
    expect(cut.numbers("group", "channel_before", "channel_after")).toEqual([1, 8, 4]);
    expect(boltOperator(model, "y").data.parameters.number("num_outputs")).toBe(8);
    expect(model.graph.outputs.map(({ name }) => name)).toEqual(["y"]);
  });

  it("count those added before", async () => {
    const model = boltModel(
      network([conv("x", "a", { outputs: 5 }), ["Relu", ["a"], "r"], conv("x", "y", { outputs: 5 })]),
    );
    await padChannels(model, { asBolt: false });
    expect(model.graph.nodes.map(({ name }) => name)).toEqual(["a", "ChannelResize_1", "r", "y", "ChannelResize_4"]);
  });

  it("as Bolt does, lose an output between a cut and a span, and overwrite what stands two places on", async () => {
    const operators = [
      conv("x", "d"),
      conv("d", "e", { group: 4, convolution_type: "DEPTHWISE" }),
      ["Clip", ["e"], "y", { min: -1, max: 1 }],
    ] as const;
    const model = boltModel(network(operators, { outputs: ["d", "y"] }));
    await padChannels(model, { asBolt: true });
    dropRetired(model);
    expect(typesOf(model)).toEqual(["Conv", "Conv", "ChannelResize", "Clip"]);
  });
});
