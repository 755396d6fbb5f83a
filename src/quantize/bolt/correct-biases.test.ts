import { describe, expect, it } from "vitest";
import { boltModel } from "../../../test/models/bolt-model.ts";
import { conv, fullyConnected, network } from "../../../test/models/bolt-pass.ts";
import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { readWeightValues } from "../../bolt/weight-values.ts";
import type { Plan, WeightType } from "../plan.ts";
import { correctedBiases, valuesToAverage } from "./correct-biases.ts";

const SIXTEEN = Float32Array.from({ length: 16 }, (_, channel) => channel - 5);

/** Every operator computes in int8. */
function planOf(model: BoltModel, type: WeightType): Plan {
  const operators = model.graph.nodes.map(({ name, type: kind }) => ({
    name,
    type: kind,
    precision: "int8",
    label: "int8",
    reason: "",
  }));
  const weights = [...model.weights].map(({ operator }) => ({ operator, type }));
  return { format: "bolt", operators, weights, values: [], biases: [], warnings: [], notes: [] } as unknown as Plan;
}

/** Σ (w − rounded w) · mean of an output, by the definition. */
async function errorsOf(
  model: BoltModel,
  node: BoltNode,
  qmax: number,
  channelOf: (output: number, index: number) => number,
): Promise<number[]> {
  const weight = await readWeightValues(model.weights.of(node)!);
  const outputs = node.data.parameters.number("num_outputs");
  const step = weight.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / qmax;
  return Array.from({ length: outputs }, (_, output) => {
    const perOutput = weight.length / outputs;
    let error = 0;
    for (let index = 0; index < perOutput; index++) {
      const value = weight[output * perOutput + index]!;
      error += (value - step * Math.round(value / step)) * SIXTEEN[channelOf(output, index)]!;
    }
    return error;
  });
}

const rows = fullyConnected("x", "y", 16, 8);

describe("Bolt's biases without the mean error of rounding the weights", () => {
  it.each([
    ["int8", 127],
    ["int4", 7],
  ] as const)("of a fully connected layer, %s", async (type, qmax) => {
    const model = boltModel(network([rows], { inputs: { x: [1, 16] } }));
    const plan = planOf(model, type);
    expect(valuesToAverage(model, plan)).toEqual([model.graph.inputs[0]]);
    const [corrected] = await correctedBiases(model, plan, () => [...SIXTEEN]);
    const errors = await errorsOf(model, model.graph.nodes[0]!, qmax, (_, index) => index);
    const stated = Array.from(rows[4]!.vector!);
    expect(corrected).toMatchObject({ type: "float32", operator: "y" });
    corrected!.values.forEach((value, output) => {
      expect(Math.abs(errors[output]!)).toBeGreaterThan(1e-4);
      expect(value - stated[output]!).toBeCloseTo(errors[output]!, 4);
    });
  });

  it.each([
    ["a convolution", { outputs: 16, kernel: 3 }, 1, (_: number, index: number) => Math.floor(index / 9)],
    [
      "a grouped convolution",
      { outputs: 16, kernel: 3, group: 2 },
      2,
      (output: number, index: number) => Math.floor(output / 8) * 2 + Math.floor(index / 9),
    ],
  ])("of %s", async (_, options, _group, channelOf) => {
    const model = boltModel(network([["Relu", ["x"], "r"], conv("r", "y", options)]));
    const [corrected] = await correctedBiases(model, planOf(model, "int8"), () => [...SIXTEEN.subarray(0, 4)]);
    const node = model.graph.nodes[1]!;
    const errors = await errorsOf(model, node, 127, channelOf);
    const stated = Array.from(conv("r", "y", options)[4]!.vector!);
    corrected!.values.forEach((value, output) => {
      expect(value - stated[output]!).toBeCloseTo(errors[output]!, 4);
    });
  });

  it("are none where the means are unknown or do not fit, or there is no bias", async () => {
    const model = boltModel(network([rows], { inputs: { x: [1, 16] } }));
    expect(await correctedBiases(model, planOf(model, "int8"), () => undefined)).toEqual([]);
    expect(await correctedBiases(model, planOf(model, "int8"), () => [1, 2, 3])).toEqual([]);
    const bare = boltModel(network([fullyConnected("x", "y", 16, 8, false)], { inputs: { x: [1, 16] } }));
    expect(valuesToAverage(bare, planOf(bare, "int8"))).toEqual([]);
  });
});
