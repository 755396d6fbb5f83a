import { expect, it } from "vitest";
import { type OnnxOperator, onnxModel } from "../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../test/models/run.ts";
import { normalTensor, normalValues } from "../../../test/models/values.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import { inferShapes } from "../../onnx/shape-inference.ts";
import { float32Of, floatTensor } from "../../onnx/tensor-data.ts";
import { equalizeWeights } from "./equalize-weights.ts";

/** Conv, what is given, Conv; of the four channels between them the first is made by weights 100 times as small. */
async function network(between: OnnxOperator): Promise<OnnxModel> {
  const weights = normalValues(12, 1).map((value, index) => (index < 3 ? value / 100 : value));
  const model = onnxModel({
    inputs: { x: [1, 3, 6, 6] },
    constants: {
      w: floatTensor([4, 3, 1, 1], weights),
      bias: floatTensor([4], [0.1, 0.2, 0.3, 0.4]),
      v: normalTensor([2, 4, 1, 1], 2),
      zero: floatTensor([], [0]),
      six: floatTensor([], [6]),
    },
    operators: [["Conv", ["x", "w", "bias"], "a"], between, ["Conv", ["b", "v"], "y"]],
    outputs: ["y"],
  });
  await inferShapes(model);
  return model;
}

const RELU: OnnxOperator = ["Relu", ["a"], "b"];
const CLIP: OnnxOperator = ["Clip", ["a", "zero", "six"], "b"];

async function biasOf(model: OnnxModel): Promise<Float32Array> {
  return float32Of(model.main.graph.nodes[0]!.inputs[2]!.constant!);
}

/** How far each of the four channels reaches into its tensor's range. */
async function reaches(model: OnnxModel, node: 0 | 2): Promise<number[]> {
  const values = await float32Of(model.main.graph.nodes[node]!.input(1).constant!);
  const channelOf = (index: number) => (node === 0 ? Math.floor(index / 3) : index % 4);
  const found = [0, 0, 0, 0];
  values.forEach((value, index) => {
    found[channelOf(index)] = Math.max(found[channelOf(index)]!, Math.abs(value));
  });
  return found.map((reach) => reach / Math.max(...found));
}

it("lets weights that make a channel reach as far as those that read it, and changes no output", async () => {
  const model = await network(RELU);
  expect(await equalizeWeights(model, () => undefined)).toBeDefined();
  const [made, read] = [await reaches(model, 0), await reaches(model, 2)];
  made.forEach((reach, channel) => {
    expect(reach).toBeCloseTo(read[channel]!, 2);
  });
  expect(largestDifference(await outputsOf(await network(RELU)), await outputsOf(model))).toBeLessThan(1e-4);
});

it("leaves channels alone that an activation cuts off, and scales others no further than it lets them", async () => {
  const model = await network(CLIP);
  await equalizeWeights(model, ({ name }) => (name === "b" ? [3, 6, 1, 6] : undefined));
  const [first, second, , fourth] = await biasOf(model);
  expect(first! / 0.1).toBeCloseTo(6 / 3.3, 4);
  expect([second, fourth]).toEqual([Math.fround(0.2), Math.fround(0.4)]);
  const unseen = await network(CLIP);
  expect(await equalizeWeights(unseen, () => undefined)).toBeUndefined();
});
