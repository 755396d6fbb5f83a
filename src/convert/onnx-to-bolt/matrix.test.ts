import { expect, it } from "vitest";
import { onnxModel } from "../../../test/models/onnx-model.ts";
import { normalTensor } from "../../../test/models/values.ts";
import { lowerToBolt } from "./index.ts";

it("gives the summand of a Gemm to the addition alone, also as Bolt", async () => {
  const init = onnxModel({
    inputs: { x: [2, 3], z: [2, 4] },
    constants: { w: normalTensor([3, 4]) },
    operators: [["Gemm", ["x", "w", "z"], "y"]],
    outputs: ["y"],
  });
  const { model } = await lowerToBolt(init, { asBolt: true, precision: "PTQ" });
  expect(model.graph.nodes.map(({ type, inputs }) => [type, ...inputs.map((input) => input?.name)])).toEqual([
    ["FC", "x"],
    ["Eltwise", "y", "z"],
  ]);
});
