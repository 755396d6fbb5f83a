import { expect, it } from "vitest";
import { type BoltOperator, boltModel } from "../../../test/models/bolt-model.ts";
import { conv, describePass, eltwise, network } from "../../../test/models/bolt-pass.ts";
import { removeRedundant } from "./remove-redundant.ts";

const OUT = ["Neg", ["e"], "y"] as const;
const pooling = (more: Readonly<Record<string, number | string>> = {}): BoltOperator => [
  "Pooling",
  ["x"],
  "e",
  {
    kernel_t: 1,
    kernel_h: 1,
    kernel_w: 1,
    stride_t: 1,
    stride_h: 1,
    stride_w: 1,
    mode: "MAX",
    round_mode: "FLOOR",
    ...more,
  },
];
const twice = (one: BoltOperator, other: BoltOperator) =>
  network([one, other, eltwise("SUB", [one[2] as string, other[2] as string], "y")]);

describePass("removing what is redundant", removeRedundant, {
  "a Slice into one part": [network([["Slice", ["x"], "e", { num_slice: 0 }], OUT]), ["Neg"]],
  "not one into two": [
    network([["Slice", ["x"], ["e", "f"], { num_slice: 1, axis: 1, slice_points: [2] }], OUT, ["Neg", ["f"], "z"]], {
      outputs: ["y", "z"],
    }),
    ["Slice", "Neg", "Neg"],
  ],
  "a Concat of one": [network([["Concat", ["x"], "e", { axis: 1 }], OUT]), ["Neg"]],
  "not of two": [network([["Concat", ["x", "x"], "e", { axis: 1 }], OUT]), ["Concat", "Neg"]],
  "a Pad by nothing": [network([["Pad", ["x"], "e"], OUT]), ["Neg"]],
  ...Object.fromEntries(
    ["before", "after", "front", "back", "top", "bottom", "left", "right"].map(
      (side) =>
        [
          `not a Pad at the ${side}`,
          [network([["Pad", ["x"], "e", { [side]: 1, pad_mode: "CONSTANT" }], OUT]), ["Pad", "Neg"]],
        ] as const,
    ),
  ),
  "an Expand to ones": [network([["Expand", ["x"], "e", { shape: [1, 1], num_shape: 2 }], OUT]), ["Neg"]],
  "not to more": [network([["Expand", ["x"], "e", { shape: [2, 1, 1, 1], num_shape: 4 }], OUT]), ["Expand", "Neg"]],
  "a Pooling of single places": [network([pooling(), OUT]), ["Neg"]],
  ...Object.fromEntries(
    ["kernel_h", "kernel_w", "stride_h", "stride_w"].map(
      (field) => [`not with ${field} 2`, [network([pooling({ [field]: 2 }), OUT]), ["Pooling", "Neg"]]] as const,
    ),
  ),
  "not with padding": [network([pooling({ pad_bottom: 1, kernel_h: 2 }), OUT]), ["Pooling", "Neg"]],
  "an operator that repeats another": [twice(["TanH", ["x"], "a"], ["TanH", ["x"], "b"]), ["TanH", "Eltwise"]],
  "also behind ones that were repeated": [
    network([
      ["TanH", ["x"], "a"],
      ["TanH", ["x"], "b"],
      ["Exp", ["a"], "c"],
      ["Exp", ["b"], "d"],
      eltwise("SUB", ["c", "d"], "y"),
    ]),
    ["TanH", "Exp", "Eltwise"],
  ],
  "not another operator": [twice(["TanH", ["x"], "a"], ["Exp", ["x"], "b"]), ["TanH", "Exp", "Eltwise"]],
  "not with other parameters": [
    twice(["Clip", ["x"], "a", { min: 0, max: 1 }], ["Clip", ["x"], "b", { min: 0, max: 2 }]),
    ["Clip", "Clip", "Eltwise"],
  ],
  "not of other inputs": [
    network([["TanH", ["x"], "a"], ["TanH", ["a"], "b"], eltwise("SUB", ["a", "b"], "y")]),
    ["TanH", "TanH", "Eltwise"],
  ],
  "one with the same weights": [twice(conv("x", "a"), conv("x", "b")), ["Conv", "Eltwise"]],
  "not with other weights": [twice(conv("x", "a"), withOther(conv("x", "b"), "weight")), ["Conv", "Conv", "Eltwise"]],
  "not with another bias": [twice(conv("x", "a"), withOther(conv("x", "b"), "vector")), ["Conv", "Conv", "Eltwise"]],
  "not with weights where the other has none": [
    twice(["TanH", ["x"], "a"], ["TanH", ["x"], "b", {}, { weight: [1] }]),
    ["TanH", "TanH", "Eltwise"],
  ],
  "not one that goes out": [
    network(
      [
        ["TanH", ["x"], "a"],
        ["TanH", ["x"], "b"],
        ["Neg", ["a"], "y"],
      ],
      { outputs: ["y", "b"] },
    ),
    ["TanH", "TanH", "Neg"],
  ],
});

function withOther([type, inputs, outputs, parameters, weight]: BoltOperator, part: "weight" | "vector"): BoltOperator {
  const numbers = Array.from(weight![part]!);
  numbers[numbers.length - 1]! += 1;
  return [type, inputs, outputs, parameters ?? {}, { ...weight, [part]: numbers }];
}

it("drops inputs that nothing reads, with their descriptions", async () => {
  const inputs = { a: [1], x: [2], b: [3], c: [4] };
  const model = boltModel({ inputs, operators: [["Neg", ["x"], "y"]], outputs: ["y", "b"] });
  await removeRedundant(model, { asBolt: false });
  expect(model.graph.inputs.map(({ name }) => name)).toEqual(["x", "b"]);
  expect(model.inputDescriptions.map(({ dimensions }) => dimensions)).toEqual([[2], [3]]);
});

it.each(["Dropout", "Input"])("takes %s out", async (type) => {
  const model = boltModel(network([[type, ["x"], "e"], OUT]));
  expect(await removeRedundant(model, { asBolt: false })).toBe(true);
  expect(model.graph.nodes.at(-1)!.input(0)).toBe(model.graph.inputs[0]);
});

it("leaves memory that each operator owns", async () => {
  const memory = (name: string) => ["PreAllocatedMemory", [], name] as const;
  const model = boltModel(network([memory("a"), memory("b"), eltwise("SUM", ["a", "b"], "y")]));
  expect(await removeRedundant(model, { asBolt: false })).toBe(false);
});

it.each([true, false])("lets each of two outputs keep its tensor, unless as Bolt: %s", async (asBolt) => {
  const model = boltModel({
    inputs: { x: [2] },
    operators: [
      ["Neg", ["x"], "a"],
      ["Slice", ["a"], "y", { num_slice: 0 }],
    ],
    outputs: ["a", "y"],
  });
  await removeRedundant(model, { asBolt });
  expect(model.graph.outputs.map(({ name }) => name)).toEqual(asBolt ? ["a", "a"] : ["a", "y"]);
});
