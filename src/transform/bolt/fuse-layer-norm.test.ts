import { expect, it } from "vitest";
import { boltModel } from "../../../test/models/bolt-model.ts";
import { eltwise, network, power } from "../../../test/models/bolt-pass.ts";
import { typesOf } from "../../../test/models/onnx-model.ts";
import { fuseLayerNorm } from "./fuse-layer-norm.ts";
import { dropRetired } from "./pass.ts";

const mean = (input: string, output: string, mode = "MEAN") =>
  ["Reduction", [input], output, { axes: [-1], num_axes: 1, mode, keep_dim: 1, coeff: 1 }] as const;

/** A layer normalization, operator by operator. */
function written({ mode = "MEAN", epsilon = 1e-5 } = {}) {
  return boltModel(
    network([
      mean("x", "m"),
      eltwise("SUB", ["x", "m"], "c"),
      power("c", "s", 1, 0, 2),
      mean("s", "v", mode),
      power("v", "w", 1, epsilon),
      power("w", "r", 1, 0, 0.5),
      eltwise("DIV", ["c", "r"], "q"),
      ["Scale", ["q"], "y", { axis: -1 }, { weight: new Float32Array(6).fill(2), vector: new Float32Array(6) }],
    ]),
  );
}

it("makes a LayerNorm of what Bolt takes for one, as Bolt", async () => {
  const model = written();
  expect(await fuseLayerNorm(model, { asBolt: true })).toBe(true);
  dropRetired(model);
  const [node] = model.graph.nodes;
  expect(typesOf(model)).toEqual(["LayerNorm"]);
  expect([node!.input(0).name, node!.output().name]).toEqual(["x", "y"]);
  expect(node!.data.parameters.numbers("axis", "eps")).toEqual([-1, 0]);
  expect(model.weights.of(node!)?.weight.length).toBe(24);
});

it.each([
  ["otherwise", written(), false],
  ["of a sum", written({ mode: "SUM" }), true],
  ["of a large epsilon", written({ epsilon: 1e-3 }), true],
] as const)("leaves all as it is: %s", async (_, model, asBolt) => {
  expect(await fuseLayerNorm(model, { asBolt })).toBe(false);
  expect(typesOf(model)).toHaveLength(8);
});
