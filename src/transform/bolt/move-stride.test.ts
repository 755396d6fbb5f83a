import { expect, it } from "vitest";
import { type BoltOperator, boltModel, boltOperator } from "../../../test/models/bolt-model.ts";
import { conv, describePass, eltwise, network } from "../../../test/models/bolt-pass.ts";
import { moveStride } from "./move-stride.ts";

const STRIDE = { kernel: 1, stride_h: 2, stride_w: 2 };
const strided = (input: string, output: string) => conv(input, output, STRIDE);
const ROOT = ["Abs", ["x"], "r"] as const;

describePass("moving strides before an addition", moveStride, {
  "of two convolutions": [
    network([conv("x", "a"), conv("x", "b"), eltwise("SUM", ["a", "b"], "s"), strided("s", "y")]),
    ["Conv", "Conv", "Eltwise", "Conv"],
    true,
  ],
  "with an identity branch": [
    network([ROOT, conv("r", "a"), eltwise("SUM", ["a", "r"], "s"), strided("s", "y")]),
    ["Abs", "Pooling", "Conv", "Eltwise", "Conv"],
  ],
  "not where something else reads the sum": [
    network([ROOT, conv("r", "a"), eltwise("SUM", ["a", "r"], "s"), strided("s", "y"), ["Neg", ["s"], "z"]], {
      outputs: ["y", "z"],
    }),
    ["Abs", "Conv", "Eltwise", "Conv", "Neg"],
  ],
  "not for larger kernels": [
    network([ROOT, conv("r", "a"), eltwise("SUM", ["a", "r"], "s"), conv("s", "y", { ...STRIDE, kernel: 3 })]),
    ["Abs", "Conv", "Eltwise", "Conv"],
  ],
  "not for stride 1": [
    network([ROOT, conv("r", "a"), eltwise("SUM", ["a", "r"], "s"), conv("s", "y", { kernel: 1 })]),
    ["Abs", "Conv", "Eltwise", "Conv"],
  ],
  "not over a branch that is no convolution": [
    network([ROOT, ["Neg", ["r"], "a"], eltwise("SUM", ["a", "r"], "s"), strided("s", "y")]),
    ["Abs", "Neg", "Eltwise", "Conv"],
  ],
});

function stridesAfter(operators: readonly BoltOperator[], names: readonly string[]): Promise<number[]> {
  const model = boltModel(network(operators));
  return moveStride(model).then(() =>
    names.map((name) => boltOperator(model, name).data.parameters.number("stride_h")),
  );
}

it("says so when strides moved, and gives them to the convolutions before", async () => {
  const operators = [conv("x", "a"), conv("x", "b"), eltwise("SUM", ["a", "b"], "s"), strided("s", "y")];
  expect(await moveStride(boltModel(network(operators)))).toBe(true);
  expect(await stridesAfter(operators, ["a", "b", "y"])).toEqual([2, 2, 1]);
});

it("goes back over 1x1 convolutions to one with a larger kernel", async () => {
  const chain = [
    conv("x", "a"),
    conv("a", "b", { kernel: 1 }),
    conv("x", "c"),
    eltwise("SUM", ["b", "c"], "s"),
    strided("s", "y"),
  ];
  expect(await stridesAfter(chain, ["a", "b", "c", "y"])).toEqual([2, 1, 2, 1]);
});

it.each([
  ["two readers with other strides", [strided("s", "y"), conv("s", "z", { ...STRIDE, stride_w: 3 })]],
  ["a reader with one stride of 1", [conv("s", "y", { ...STRIDE, stride_w: 1 })]],
])("leaves %s", async (_, readers) => {
  const model = boltModel(network([conv("x", "a"), conv("x", "b"), eltwise("SUM", ["a", "b"], "s"), ...readers]));
  expect(await moveStride(model)).toBe(false);
});

it("names the pooling by its place and input", async () => {
  const model = boltModel(network([ROOT, conv("r", "a"), eltwise("SUM", ["a", "r"], "s"), strided("s", "y")]));
  await moveStride(model);
  const pooling = model.graph.nodes[1]!;
  expect([pooling.type, pooling.name, pooling.output().name]).toEqual(["Pooling", "Pooling_01", "Pooling_01"]);
  expect(pooling.data.parameters.number("stride_w")).toBe(2);
});
