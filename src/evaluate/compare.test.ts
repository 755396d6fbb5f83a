import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { onnxModel } from "../../test/models/onnx-model.ts";
import { describeWithShared, sharedPath } from "../../test/shared.ts";
import { type Model, readModel } from "../convert/model-file.ts";
import type { Sample } from "../data/dataset.ts";
import { denseTensor } from "../graph/dense-values.ts";
import { memorySource } from "../io/bytes.ts";
import { compareModels } from "./compare.ts";
import { closeModel, runModel } from "./run.ts";

const FOLDER = "golden/bolt/midcnn";
const SHAPE = [1, 3, 224, 224];

describeWithShared("comparing two models", () => {
  it("finds the float Bolt model equal to its ONNX original, in every layer that both have", async () => {
    const original = await open("midcnn.onnx");
    const comparison = await compareModels(original, await open("x2bolt_f32.bolt"), samples(original), {
      layers: true,
    });
    expect(comparison.samples).toBe(3);
    expect(comparison.outputs).toHaveLength(1);
    expect(comparison.layers.length).toBeGreaterThan(5);
    for (const { name, decibels } of comparison.layers) expect(decibels, name).toBeGreaterThan(90);
    expect(comparison.outputs[0]).toMatchObject({ equalArgMax: 1 });
    // One depthwise and one pointwise convolution are one operator of Bolt.
    expect(comparison.inner!.paired).toBeGreaterThanOrEqual(21);
    expect(comparison.milliseconds!.every((time) => time > 0)).toBe(true);
  });

  it("finds int8 layers close, not equal, also where they are int8 in between", async () => {
    const original = await open("midcnn.onnx");
    const comparison = await compareModels(original, await open("i_INT8__int8_q.bolt"), samples(original), {
      layers: true,
      timedSamples: 0,
    });
    expect(comparison.layers.length).toBeGreaterThan(8);
    for (const { name, decibels } of comparison.layers) {
      expect(decibels, name).toBeGreaterThan(15);
      expect(decibels, name).toBeLessThan(80);
    }
    expect(comparison.milliseconds).toBeUndefined();
  });

  it("says so when there is nothing to run on", async () => {
    const model = await open("midcnn.onnx");
    const none: AsyncIterable<Sample> = (async function* () {})();
    await expect(compareModels(model, model, none)).rejects.toMatchObject({ code: "invalid-data" });
  });

  it("runs a model from the library, with inputs by place and of another element type", async () => {
    const model = await open("x2bolt_f32.bolt");
    const image = denseTensor("float32", SHAPE, noise(1));
    const [byPlace] = (await runModel(model, { image })).values();
    const [double] = (await runModel(model, { image: denseTensor("float64", SHAPE, noise(1)) })).values();
    expect(double!.data).toEqual(byPlace!.data);
    await expect(runModel(model, {})).rejects.toMatchObject({ code: "invalid-data" });
    await closeModel(model);
  });
});

describe("comparing small models", () => {
  const scores = (operator: string) =>
    onnxModel({ inputs: { x: [1, 4] }, operators: [[operator, ["x"], "y"]], outputs: ["y"] });
  async function* given(...values: readonly (readonly number[])[]): AsyncGenerator<Sample> {
    for (const each of values) yield { name: "", inputs: new Map([["x", denseTensor("float32", [1, 4], each)]]) };
  }

  it("names numbers that are broken in one alone", async () => {
    const { outputs } = await compareModels(scores("Identity"), scores("Log"), given([1, 1, 1, 1], [1, -1, 0, 1]), {
      timedSamples: 0,
    });
    expect(outputs).toMatchObject([{ name: "y", broken: 2, decibels: Number.NEGATIVE_INFINITY }]);
  });

  it("refuses outputs of different sizes", async () => {
    const twice = onnxModel({
      inputs: { x: [1, 4] },
      operators: [["Concat", ["x", "x"], "y", { axis: 1 }]],
      outputs: ["y"],
    });
    await expect(compareModels(scores("Identity"), twice, given([1, 2, 3, 4]))).rejects.toMatchObject({
      code: "mismatch",
      message: expect.stringContaining("different numbers of elements for y"),
    });
  });

  it("pairs outputs by place where their names differ, and refuses another number of them", async () => {
    const model = (outputs: readonly string[]) =>
      onnxModel({
        inputs: { x: [1, 4] },
        operators: outputs.map((name, place) => [place === 0 ? "Neg" : "Abs", ["x"], name] as const),
        outputs,
      });
    const options = { timedSamples: 0 };
    const renamed = await compareModels(model(["a", "b"]), model(["c", "d"]), given([1, 2, 3, 4]), options);
    expect(renamed.outputs).toMatchObject([
      { name: "a", otherName: "c", decibels: Number.POSITIVE_INFINITY },
      { name: "b", otherName: "d", decibels: Number.POSITIVE_INFINITY },
    ]);
    await expect(compareModels(model(["a", "b"]), model(["c"]), given([1, 2, 3, 4]), options)).rejects.toMatchObject({
      code: "mismatch",
    });
  });
});

async function open(file: string): Promise<Model> {
  const path = sharedPath(FOLDER, file);
  return readModel(memorySource(new Uint8Array(readFileSync(path)), path));
}

async function* samples(model: Model): AsyncGenerator<Sample> {
  const name = (model.format === "onnx" ? model.main.graph : model.graph).inputs[0]!.name;
  for (let seed = 0; seed < 3; seed++) {
    yield { name: `${seed}`, inputs: new Map([[name, denseTensor("float32", SHAPE, noise(seed))]]) };
  }
}

function noise(seed: number): Float32Array {
  return Float32Array.from({ length: 3 * 224 * 224 }, (_, index) => Math.sin(index * (1.3 + seed)) * 1.5);
}
