import { expect, it } from "vitest";
import { boltModel, boltOperator } from "../../../test/models/bolt-model.ts";
import { describePass, fullyConnected, network, scale } from "../../../test/models/bolt-pass.ts";
import { foldBias } from "./fold-bias.ts";

const X = { inputs: { x: [3, 6] } };
const layer = fullyConnected("x", "f", 6, 4, false);

describePass("folding a summand into a fully connected layer", foldBias, {
  "that has no bias": [network([layer, scale("f", "y", "summand")], X), ["FC"]],
  "not where it has one": [network([fullyConnected("x", "f", 6, 4), scale("f", "y", "summand")], X), ["FC", "Scale"]],
  "not with a factor": [network([layer, scale("f", "y")], X), ["FC", "Scale"]],
  "not one number for all": [network([layer, scale("f", "y", "summand", 1)], X), ["FC", "Scale"]],
  "not where something stands between": [
    network([layer, ["Relu", ["x"], "r"], scale("f", "y", "summand")], { ...X, outputs: ["y", "r"] }),
    ["FC", "Relu", "Scale"],
  ],
  "not where others read the layer": [
    network([layer, scale("f", "y", "summand"), ["Relu", ["f"], "z"]], { ...X, outputs: ["y", "z"] }),
    ["FC", "Scale", "Relu"],
  ],
  "not another operator": [network([layer, ["Relu", ["f"], "y"]], X), ["FC", "Relu"]],
});

it("gives the layer the summand's output, by name", async () => {
  const model = boltModel(network([layer, scale("f", "y", "summand")], X));
  await foldBias(model, { asBolt: false });
  expect(boltOperator(model, "f").output().name).toBe("y");
  expect(model.graph.outputs).toEqual([boltOperator(model, "f").output()]);
});
