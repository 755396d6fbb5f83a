import { expect, it } from "vitest";
import { type BoltOperator, boltModel, boltOperator } from "../../../test/models/bolt-model.ts";
import { conv, describePass, network } from "../../../test/models/bolt-pass.ts";
import { foldPadding } from "./fold-padding.ts";

const SIDES = { top: 1, bottom: 2, left: 3, right: 1 };
const pad = (more: Readonly<Record<string, number | string>> = {}): BoltOperator => [
  "Pad",
  ["x"],
  "p",
  { pad_mode: "CONSTANT", ...SIDES, ...more },
];
const pooling = (mode: string): BoltOperator => [
  "Pooling",
  ["p"],
  "y",
  { kernel_t: 1, kernel_h: 4, kernel_w: 4, stride_t: 1, stride_h: 1, stride_w: 1, round_mode: "FLOOR", mode },
];

describePass("folding padding", foldPadding, {
  "into a convolution, with its own": [network([pad(), conv("p", "y")]), ["Conv"]],
  "into mean pooling, which then counts it": [network([pad(), pooling("MEAN")]), ["Pooling"]],
  "not into max pooling": [network([pad(), pooling("MAX")]), ["Pad", "Pooling"]],
  "not of other numbers": [network([pad({ constant_value: 1 }), conv("p", "y")]), ["Pad", "Conv"]],
  "not of edges": [network([pad({ pad_mode: "EDGE" }), conv("p", "y")]), ["Pad", "Conv"]],
  "not of mirrored numbers": [network([pad({ pad_mode: "REFLECT" }), conv("p", "y")]), ["Pad", "Conv"]],
  "not of channels in front": [
    network([pad({ front: 2 }), conv("p", "y")], { inputs: { x: [1, 2, 6, 6] } }),
    ["Pad", "Conv"],
  ],
  "not of channels behind": [
    network([pad({ back: 2 }), conv("p", "y")], { inputs: { x: [1, 2, 6, 6] } }),
    ["Pad", "Conv"],
  ],
  "not where it is an output": [network([pad(), conv("p", "y")], { outputs: ["p", "y"] }), ["Pad", "Conv"]],
  "not where others read it": [
    network([pad(), conv("p", "y"), ["Relu", ["p"], "z"]], { outputs: ["y", "z"] }),
    ["Pad", "Conv", "Relu"],
  ],
});

it("adds up all six sides", async () => {
  const model = boltModel(network([pad({ before: 4, after: 5 }), conv("p", "y")]));
  await foldPadding(model);
  const { parameters } = boltOperator(model, "y").data;
  const sides = ["before", "after", "top", "bottom", "left", "right"] as const;
  expect(sides.map((side) => parameters.number(`pad_${side}`))).toEqual([4, 5, 2, 3, 4, 2]);
});
