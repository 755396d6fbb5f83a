import { describe, expect, it } from "vitest";
import { type BoltPass, dropRetired } from "../../src/transform/bolt/pass.ts";
import { type BoltModelInit, type BoltOperator, boltModel, convolution } from "./bolt-model.ts";
import { typesOf } from "./onnx-model.ts";
import { largestDifference, type Outputs, outputsOf } from "./run.ts";
import { normalValues } from "./values.ts";

/** A network, the types of its operators after a pass, and whether that changed something, where these do not tell. */
export type PassCase = readonly [model: BoltModelInit, types: readonly string[], changes?: boolean];

/** Checks a pass on each network: what is left, whether it says it changed something, and that the network gives the same. */
export function describePass(title: string, pass: BoltPass, cases: Readonly<Record<string, PassCase>>): void {
  describe(title, () => {
    it.each(Object.entries(cases))("%s", async (_, [init, types, changes]) => {
      const model = boltModel(init);
      const before = withoutNames(await outputsOf(model));
      const original = typesOf(model);
      const changed = await pass(model, { asBolt: false });
      dropRetired(model);
      expect(typesOf(model)).toEqual(types);
      expect(changed).toBe(changes ?? types.join() !== original.join());
      expect(model.weights.size).toBe(model.graph.nodes.filter((node) => model.weights.of(node) !== undefined).length);
      expect(largestDifference(before, withoutNames(await outputsOf(model)))).toBeLessThan(2e-5);
    });
  });
}

/** What came between two operators bears the one's name or the other's. */
function withoutNames({ names, ...rest }: Outputs): Outputs {
  return { ...rest, names: names.map(() => "") };
}

/** A network over `x`, an image of 4 channels, with the output `y`. */
export function network(operators: readonly BoltOperator[], more: Partial<BoltModelInit> = {}): BoltModelInit {
  return { inputs: { x: [1, 4, 6, 6] }, operators, outputs: ["y"], ...more };
}

/** A convolution of 4 channels to `outputs` of them. */
export function conv(
  input: string,
  output: string,
  { outputs = 4, kernel = 3, group = 1, ...parameters }: Readonly<Record<string, number | string>> = {},
): BoltOperator {
  const [count, size, groups] = [Number(outputs), Number(kernel), Number(group)];
  const weight = {
    weight: normalValues((count * 4 * size * size) / groups, size).map((value) => value / 4),
    vector: normalValues(count, size + 1),
  };
  return ["Conv", [input], output, convolution(count, size, { group: groups, ...parameters }), weight];
}

/** A fully connected layer of rows of `depth`. */
export function fullyConnected(
  input: string,
  output: string,
  depth: number,
  outputs: number,
  bias = true,
): BoltOperator {
  return [
    "FC",
    [input],
    output,
    { num_outputs: outputs, num_slices: 1, slice_point: [outputs] },
    {
      weight: normalValues(depth * outputs, 5).map((value) => value / 4),
      ...(bias ? { vector: normalValues(outputs, 6) } : {}),
    },
  ];
}

/** (scale × x + shift) to the power. */
export function power(input: string, output: string, scale: number, shift: number, exponent = 1): BoltOperator {
  return ["Power", [input], output, { scale, shift, power: exponent }];
}

/** A factor and a summand for each of 4 channels; either may be left out. */
export function scale(
  input: string,
  output: string,
  parts: "both" | "factor" | "summand" = "both",
  channels = 4,
): BoltOperator {
  const factor = parts === "summand" ? {} : { weight: normalValues(channels, 8) };
  const summand = parts === "factor" ? {} : { vector: normalValues(channels, 9) };
  return ["Scale", [input], output, { axis: 1 }, { ...factor, ...summand }];
}

/** An element-wise operator. */
export function eltwise(
  mode: string,
  inputs: readonly string[],
  output: string,
  more: Readonly<Record<string, number | string>> = {},
): BoltOperator {
  const sum = mode === "SUM" ? { "sum_spec.coeff": inputs.map(() => 1), "sum_spec.num_coeff": inputs.length } : {};
  return ["Eltwise", inputs, output, { mode, ...sum, ...more }];
}
