import { describe, expect, it } from "vitest";
import { boltModel } from "../../test/models/bolt-model.ts";
import { type OnnxModelInit, onnxModel } from "../../test/models/onnx-model.ts";
import { normalTensor } from "../../test/models/values.ts";
import { namePairs, layerPairs as pairsOf } from "./layer-pairs.ts";

const layerPairs = async (...models: Parameters<typeof pairsOf>) => namePairs(await pairsOf(...models));

const network = (operators: OnnxModelInit["operators"], outputs = ["y"]) =>
  onnxModel({
    inputs: { x: [1, 4] },
    constants: { w: normalTensor([4, 4]), c: normalTensor([4]) },
    operators,
    outputs,
  });

const PLAIN = network([
  ["MatMul", ["x", "w"], "a"],
  ["Add", ["a", "c"], "b"],
  ["Relu", ["b"], "r"],
  ["MatMul", ["r", "w"], "y"],
]);

describe("pairs of layers", () => {
  it("are found by place, in the first one's order, whatever values are called", async () => {
    const other = network([
      ["MatMul", ["x", "w"], "b"],
      ["Add", ["b", "c"], "r"],
      ["Relu", ["r"], "a"],
      ["MatMul", ["a", "w"], "y"],
    ]);
    expect(await layerPairs(PLAIN, other)).toEqual([
      ["a", "b"],
      ["b", "r"],
      ["r", "a"],
      ["y", "y"],
    ]);
    expect(await layerPairs(PLAIN, PLAIN)).toEqual(["a", "b", "r", "y"].map((name) => [name, name]));
  });

  it("go past what one model has fused into the operator before", async () => {
    const fused = network([
      ["Gemm", ["x", "w"], "a"],
      ["MatMul", ["a", "w"], "y"],
    ]);
    expect(await layerPairs(PLAIN, fused)).toEqual([
      ["r", "a"],
      ["y", "y"],
    ]);
    expect(await layerPairs(fused, PLAIN)).toEqual([
      ["a", "r"],
      ["y", "y"],
    ]);
  });

  it("stop where the value has another reader, or is joined with another value", async () => {
    const fused = network([
      ["Gemm", ["x", "w"], "a"],
      ["MatMul", ["a", "w"], "y"],
    ]);
    const read = network([
      ["MatMul", ["x", "w"], "a"],
      ["Relu", ["a"], "r"],
      ["MatMul", ["r", "w"], "m"],
      ["Concat", ["m", "a"], "y", { axis: 1 }],
    ]);
    expect((await layerPairs(read, fused))[0]).toEqual(["a", "a"]);
    const joined = network([
      ["MatMul", ["x", "w"], "a"],
      ["Add", ["a", "x"], "s"],
      ["MatMul", ["s", "w"], "y"],
    ]);
    expect((await layerPairs(joined, fused))[0]).toEqual(["a", "a"]);
  });

  it("leave out what only changes the number format", async () => {
    const other = network([
      ["MatMul", ["x", "w"], "a"],
      ["QuantizeLinear", ["a", "c"], "b"],
      ["DequantizeLinear", ["b", "c"], "r"],
      ["MatMul", ["r", "w"], "y"],
    ]);
    expect((await layerPairs(PLAIN, other)).map(([, name]) => name)).toEqual(["r", "y"]);
  });

  it("are found between the two kinds of models", async () => {
    const bolt = boltModel({ inputs: { x: [1, 4] }, operators: [["Relu", ["x"], "r"]], outputs: ["r"] });
    expect(await layerPairs(PLAIN, bolt)).toEqual([["r", "r"]]);
  });
});
