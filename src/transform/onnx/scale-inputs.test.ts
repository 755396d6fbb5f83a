import { describe, expect, it } from "vitest";
import { modelBytes } from "../../../test/models/model-bytes.ts";
import { type OnnxOperator, onnxModel } from "../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../test/models/run.ts";
import { normalTensor, positiveTensor } from "../../../test/models/values.ts";
import { type InputScaling, scaleInputs } from "./scale-inputs.ts";

const FACTORS = Array.from({ length: 8 }, (_, channel) => 2 ** ((channel % 4) - 2));
const SCALING: InputScaling = { input: "n", operators: ["y", "z"], factors: FACTORS };

/** A normalization that a MatMul and a Gemm with a turned weight read. */
const network = (others: readonly OnnxOperator[] = []) =>
  onnxModel({
    opset: 17,
    inputs: { x: [3, 8] },
    constants: {
      factor: positiveTensor([8], 1),
      offset: normalTensor([8], 2),
      w: normalTensor([8, 6], 3),
      v: normalTensor([5, 8], 4),
    },
    operators: [
      ["LayerNormalization", ["x", "factor", "offset"], "n"],
      ["MatMul", ["n", "w"], "y"],
      ["Gemm", ["n", "v"], "z", { transB: 1 }],
      ...others,
    ],
    outputs: ["y", "z", ...others.map(([, , output]) => String(output))],
  });

describe.each<[string, readonly OnnxOperator[], number]>([
  ["into the normalization that makes it", [], 0],
  ["into a Mul where others read it too", [["Add", ["n", "x"], "sum"]], 1],
])("dividing what products read, %s", (_, others, products) => {
  it("leaves the network as it was, and is undone", async () => {
    const model = network(others);
    for (const node of model.main.graph.nodes) node.name = node.output().name;
    const [exact, before] = [await outputsOf(model), await modelBytes(model)];
    const undo = await scaleInputs(model, [SCALING]);
    expect(model.main.graph.nodes.filter(({ type }) => type === "Mul")).toHaveLength(products);
    expect(await modelBytes(model)).not.toEqual(before);
    expect(largestDifference(exact, await outputsOf(model))).toBeLessThan(1e-5);
    undo();
    expect(await modelBytes(model)).toEqual(before);
  });
});

it("refuses operators that are not there, read something else or have other channels", async () => {
  const model = network();
  for (const node of model.main.graph.nodes) node.name = node.output().name;
  for (const wrong of [{ operators: ["q"] }, { input: "x" }, { factors: [1, 2] }])
    await expect(scaleInputs(model, [{ ...SCALING, ...wrong }])).rejects.toMatchObject({ code: "mismatch" });
});
