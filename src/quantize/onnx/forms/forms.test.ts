import { describe, expect, it } from "vitest";
import { onnxModel } from "../../../../test/models/onnx-model.ts";
import { outputsOf } from "../../../../test/models/run.ts";
import { signalToNoise } from "../../../../test/models/signal-to-noise.ts";
import { normalTensor } from "../../../../test/models/values.ts";
import { parsePlan, printPlanFile } from "../../plan-file.ts";
import { RECIPES, type Recipe } from "../../recipe.ts";
import { quantizeOnnx, quantizeOnnxAsPlanned } from "../quantize-onnx.ts";
import type { RuntimeTarget } from "../targets.ts";

/** Rows of a table, a product that two operators read, a Gemm with a bias and a turned weight. */
const network = () =>
  onnxModel({
    inputs: { ids: { type: "int64", shape: [5] } },
    constants: {
      table: normalTensor([300, 64], 1),
      w1: normalTensor([64, 96], 2),
      w2: normalTensor([64, 40], 3),
      w3: normalTensor([24, 96], 4),
      b3: normalTensor([24], 5),
    },
    operators: [
      ["Gather", ["table", "ids"], "rows"],
      ["MatMul", ["rows", "w1"], "one"],
      ["MatMul", ["rows", "w2"], "other"],
      ["Gemm", ["one", "w3", "b3"], "y", { transB: 1 }],
    ],
    outputs: ["y", "other"],
  });

const ids = { ids: [0, 3, 299, 17, 120] };

async function quantized(recipe: Recipe, target?: RuntimeTarget) {
  const { model, plan } = await quantizeOnnx(network(), { recipe, target });
  return { model, plan, types: model.main.graph.nodes.map(({ type }) => type) };
}

describe("weights that need no calibration", () => {
  it.each<[string, number, readonly string[]]>([
    ["int8-dynamic", 34, ["Gather", "MatMulInteger"]],
    ["int8-blocks", 38, ["GatherBlockQuantized", "MatMulNBits"]],
    ["int4-blocks", 16, ["GatherBlockQuantized", "MatMulNBits"]],
    ["uint8-dynamic", 34, ["Gather", "MatMulInteger"]],
    ["nf4", 17, ["Gather", "MatMulBnb4"]],
    ["q4f16", 16, ["GatherBlockQuantized", "MatMulNBits", "Cast"]],
  ])("%s computes what its bits allow", async (name, least, operators) => {
    const { model, types } = await quantized(RECIPES[name]!);
    expect(types).toEqual(expect.arrayContaining([...operators]));
    expect(types.filter((type) => type === "MatMul" || type === "Gemm")).toEqual([]);
    expect(signalToNoise(await outputsOf(network(), ids), await outputsOf(model, ids))).toBeGreaterThan(least);
  });

  it("quantizes what two operators read once", async () => {
    const { types } = await quantized(RECIPES["int8-dynamic"]!);
    expect(types.filter((type) => type === "DynamicQuantizeLinear")).toHaveLength(2);
  });

  it("makes asymmetric blocks with zero points, and none for a target that takes none", async () => {
    const recipe: Recipe = {
      activations: { type: "float" },
      weights: { type: "uint4", block: 16, symmetric: false, method: "mse" },
    };
    const { model } = await quantized(recipe);
    expect(signalToNoise(await outputsOf(network(), ids), await outputsOf(model, ids))).toBeGreaterThan(16);
    const { plan } = await quantized(recipe, "webgpu");
    expect(plan.weights.map(({ symmetric }) => symmetric)).toEqual([true, true, true, true]);
  });

  it("takes no dynamic int8 for WebGPU, and says why", async () => {
    const { plan, types } = await quantized(RECIPES["int8-dynamic"]!, "webgpu");
    expect(types).not.toContain("MatMulInteger");
    expect(plan.weights.at(-1)!.reason).toMatch(/wrong numbers/);
  });

  it("leaves in float what a rule says", async () => {
    const recipe: Recipe = {
      ...RECIPES["int4-blocks"],
      rules: [{ operators: ["Gemm"], weights: { type: "float32" } }],
    };
    expect((await quantized(recipe)).types).toContain("Gemm");
  });

  it("says of an operator without a matrix why it stays float", async () => {
    const model = onnxModel({
      inputs: { x: [1, 3, 8, 8] },
      constants: { w: normalTensor([4, 3, 3, 3]) },
      operators: [["Conv", ["x", "w"], "y"]],
      outputs: ["y"],
    });
    const { plan } = await quantizeOnnx(model, { recipe: RECIPES["int4-blocks"]! });
    expect(plan.operators).toMatchObject([{ type: "Conv", precision: "float", reason: "it has no constant matrix" }]);
  });

  it("leaves the output as the file declares it, whatever follows from the operators", async () => {
    const declared = network();
    const shape = ["m", 24];
    declared.main.graph.outputs[0]!.type = { type: "float32", shape };
    const { model } = await quantizeOnnx(declared, { recipe: RECIPES["int4-blocks"]! });
    expect(model.main.graph.outputs[0]!.type?.shape).toEqual(shape);
  });

  it("carries out a plan from a file as it was made", async () => {
    const { model, plan } = await quantized(RECIPES["int4-blocks"]!);
    const again = await quantizeOnnxAsPlanned(network(), parsePlan(printPlanFile(plan), "plan.json"));
    expect(await outputsOf(again.model, ids)).toEqual(await outputsOf(model, ids));
  });
});
