import { describe, expect, it } from "vitest";
import { onnxModel, operatorOf, typesOf } from "../../../test/models/onnx-model.ts";
import { largestDifference, outputsOf } from "../../../test/models/run.ts";
import { normalValues } from "../../../test/models/values.ts";
import { encodedTensor, float32Of } from "../../onnx/tensor-data.ts";
import { widenHalfFloats } from "./widen-half-floats.ts";

const weight = encodedTensor("float16", [4, 3], [...normalValues(12)]);

const half = () =>
  onnxModel({
    inputs: { x: { type: "float16", shape: [2, 4] }, mask: { type: "float32", shape: [2, 3] } },
    constants: { w: weight },
    operators: [
      ["MatMul", ["x", "w"], "m"],
      ["Cast", ["mask"], "c", { to: 10 }],
      ["Mul", ["m", "c"], "p"],
      ["Relu", ["p"], "y"],
      ["Neg", ["p"], "z"],
    ],
    outputs: ["y", "z", "p"],
  });

describe("widenHalfFloats", () => {
  it("computes in float32, with inputs and outputs of the types they had", async () => {
    const model = half();
    for (const name of ["y", "z", "p"]) operatorOf(model, name).output().type = { type: "float16", shape: [2, 3] };
    expect(widenHalfFloats(model)).toEqual(["float16"]);
    expect(operatorOf(model, "m").input(1).constant!.type).toBe("float32");
    expect(model.main.graph.outputs.map(({ name, type }) => [name, type?.type])).toEqual([
      ["y", "float16"],
      ["z", "float16"],
      ["p", "float16"],
    ]);
    expect(typesOf(model.main).filter((type) => type === "Cast")).toHaveLength(5);
    const twin = half();
    for (const name of ["y", "z", "p"]) operatorOf(twin, name).output().type = { type: "float16", shape: [2, 3] };
    expect(largestDifference(await outputsOf(model), await outputsOf(twin))).toBeLessThan(0.01);
  });

  it("reads any part of a widened weight", async () => {
    const model = half();
    widenHalfFloats(model);
    const { data } = operatorOf(model, "m").input(1).constant!;
    const whole = await data.read();
    expect(new Float32Array(whole.slice().buffer)).toEqual(await float32Of(weight));
    expect(await data.read(6, 9)).toEqual(whole.slice(6, 15));
  });

  it("leaves a float32 model as it is", () => {
    const model = onnxModel({ inputs: { x: [2] }, operators: [["Relu", ["x"], "y"]], outputs: ["y"] });
    expect(widenHalfFloats(model)).toEqual([]);
    expect(typesOf(model.main)).toEqual(["Relu"]);
  });
});
