import { expect, it } from "vitest";
import { type BoltOperator, boltModel, boltOperator } from "../../../test/models/bolt-model.ts";
import { describePass, network, scale } from "../../../test/models/bolt-pass.ts";
import { normalValues } from "../../../test/models/values.ts";
import { mergeNormAndScale } from "./merge-norm-and-scale.ts";

const norm = (input: string, output: string, gama = 1, channels = 4): BoltOperator => [
  "BatchNorm",
  [input],
  output,
  { axis: 1, eps: 0.01, gama },
  { weight: normalValues(channels, 3), vector: normalValues(channels, 4).map((value) => 0.5 + value * value) },
];
const CONCAT = [
  ["Relu", ["x"], "r"],
  ["Concat", ["x", "r"], "c", { axis: 1 }],
] as const;

describePass("merging a BatchNorm into the Scale behind it", mergeNormAndScale, {
  "with factor and summand": [network([norm("x", "n"), scale("n", "y")]), ["Scale"]],
  "with a factor alone": [network([norm("x", "n"), scale("n", "y", "factor")]), ["Scale"]],
  "behind a Concat": [
    network([...CONCAT, norm("c", "n", 1, 8), scale("n", "y", "both", 8)]),
    ["Relu", "Concat", "Scale"],
  ],
  "not into another operator": [network([norm("x", "n"), ["Relu", ["n"], "y"]]), ["BatchNorm", "Relu"]],
  "not where it goes out": [
    network([norm("x", "n"), scale("n", "y")], { outputs: ["n", "y"] }),
    ["BatchNorm", "Scale"],
  ],
  "not where others read it": [
    network([norm("x", "n"), scale("n", "y"), ["Relu", ["n"], "z"]], { outputs: ["y", "z"] }),
    ["BatchNorm", "Scale", "Relu"],
  ],
});

it("counts the parts of a Concat before it, and gives the tensor between another name", async () => {
  const model = boltModel(network([...CONCAT, norm("c", "n", 1, 8), scale("n", "y", "both", 8)]));
  await mergeNormAndScale(model, { asBolt: false });
  expect(boltOperator(model, "y").data.parameters.number("num_concat")).toBe(2);
  expect(boltOperator(model, "c").output().name).toBe("break_c");
});

it("takes the factor of the statistics into account", async () => {
  const model = boltModel({ ...network([norm("x", "n", 0.5), scale("n", "y")]) });
  const [statistics, factors] = ["n", "y"].map((name) => model.weights.of(boltOperator(model, name))!);
  const [mean, variance, alpha, beta] = await Promise.all(
    [statistics!.weight, statistics!.vector, factors!.weight, factors!.vector].map(
      async (bytes) => new Float32Array((await bytes.read()).slice().buffer),
    ),
  );
  await mergeNormAndScale(model, { asBolt: false });
  const merged = await Promise.all(
    [factors!.weight, factors!.vector].map(async (bytes) => new Float32Array((await bytes.read()).slice().buffer)),
  );
  for (let channel = 0; channel < 4; channel++) {
    const factor = alpha![channel]! / Math.sqrt(0.5 * variance![channel]! + 0.01);
    expect(merged[0]![channel]).toBeCloseTo(factor, 5);
    expect(merged[1]![channel]).toBeCloseTo(beta![channel]! - factor * 0.5 * mean![channel]!, 5);
  }
});
