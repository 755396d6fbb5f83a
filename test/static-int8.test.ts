import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { BoltModel } from "../src/bolt/model.ts";
import { readBolt } from "../src/bolt/read.ts";
import { writeBolt } from "../src/bolt/write.ts";
import { readModel } from "../src/convert/model-file.ts";
import type { Dataset, Sample } from "../src/data/dataset.ts";
import { compareModels } from "../src/evaluate/compare.ts";
import { denseTensor } from "../src/graph/dense-values.ts";
import { memorySource } from "../src/io/bytes.ts";
import { memoryTarget } from "../src/io/target.ts";
import type { OnnxModel } from "../src/onnx/model.ts";
import { calibrateBolt } from "../src/quantize/bolt/calibrate.ts";
import { convertOnnxToBolt } from "../src/quantize/bolt/convert-to-bolt.ts";
import { prepareBolt } from "../src/quantize/bolt/prepare.ts";
import { quantizeBolt } from "../src/quantize/bolt/quantize.ts";
import { quantizeOnnx } from "../src/quantize/onnx/quantize-onnx.ts";
import { parseScaleTable } from "../src/quantize/parse-scale-table.ts";
import { printScaleTable } from "../src/quantize/scale-table.ts";
import { tableOfTraining, withBoltNames } from "../src/quantize/table-of-training.ts";
import { describeWithShared, sharedPath } from "./shared.ts";

const FOLDER = "golden/bolt/smallcnn";

function bytesOf(file: string): Uint8Array {
  return new Uint8Array(readFileSync(sharedPath(`${FOLDER}/${file}`)));
}

const openBolt = () => readBolt(memorySource(bytesOf("smallcnn_ptq_input.bolt")));
const openOnnx = async () => (await readModel(memorySource(bytesOf("smallcnn.onnx")))) as OnnxModel;

/** Examples `first` to `end`: waves of many lengths. */
function waves(first: number, end: number): Dataset {
  const samples = Array.from({ length: end - first }, (_, place): Sample => {
    const values = Float32Array.from({ length: 3072 }, (_, index) => Math.sin((index * (first + place + 3)) / 97) * 2);
    return {
      name: `wave${first + place}`,
      inputs: new Map([["input", denseTensor("float32", [1, 3, 32, 32], values)]]),
    };
  });
  return {
    length: samples.length,
    names: samples.map(({ name }) => name),
    async *samples() {
      yield* samples;
    },
  };
}

async function rewritten(model: BoltModel): Promise<BoltModel> {
  const target = memoryTarget();
  await writeBolt(model, target);
  return readBolt(memorySource(target.result()));
}

async function decibelsOf(model: BoltModel): Promise<number> {
  const { outputs } = await compareModels(await openOnnx(), model, waves(40, 60).samples(), { timedSamples: 0 });
  return outputs[0]!.decibels;
}

describeWithShared("static int8 for Bolt", () => {
  it.each([
    [{ inference: "INT8_FP32" }, "F32_8Q"],
    [{ inference: "INT8_FP16", storage: "INT8" }, "F16_8Q"],
  ] as const)("gives every input and int8 output of a quantized operator a scale (%o)", async (options, dataType) => {
    const { model, plan } = await calibrateBolt(await openBolt(), waves(0, 40), options);
    const read = await rewritten(model);
    expect(read.dataType).toBe(dataType);
    const quantized = read.graph.nodes.filter(({ data }) => data.scales.length > 1);
    expect(quantized.length).toBeGreaterThan(3);
    for (const { name, data, inputs } of quantized) {
      expect(data.scales.length, name).toBe(inputs.length + 1);
      for (const slot of data.scales.slice(0, inputs.length)) expect(slot[0], name).toBeGreaterThan(0);
      expect(data.scales.at(-1)![0] === -2 || data.scales.at(-1)![0]! > 0, name).toBe(true);
    }
    for (const { type, data } of read.graph.nodes) {
      if (type === "QuantizeLinear") expect(data.scales[0]![0]).toBeGreaterThan(0);
    }
    expect(plan.values.every(({ high, clipped }) => high > 0 && clipped! < 0.1)).toBe(true);
    expect(await decibelsOf(read)).toBeGreaterThan(18);
  });

  it("refuses what has no int8, and clip values twice", async () => {
    await expect(calibrateBolt(await openBolt(), waves(0, 2), { inference: "FP32" })).rejects.toMatchObject({
      code: "usage",
    });
    await expect(calibrateBolt(await openBolt(), waves(0, 2), { clip: 2 })).rejects.toMatchObject({ code: "usage" });
  });

  it("takes the clip values of a model with Q/DQ, from ONNX to .bolt", async () => {
    const { model: trained } = await quantizeOnnx(await openOnnx(), { dataset: waves(0, 40), effort: "fast" });
    const layers = await tableOfTraining(trained);
    expect(trained.main.graph.nodes.filter(({ type }) => /QuantizeLinear|DequantizeLinear/.test(type))).toEqual([]);
    const named = async () => (await convertOnnxToBolt(trained, { precision: "PTQ" })).model;
    const input = await rewritten(await named());
    const { model: names } = await prepareBolt(await rewritten(input));
    const text = printScaleTable(withBoltNames(layers, names));
    const { model } = await quantizeBolt(input, { inference: "INT8_FP32", scaleTable: parseScaleTable(text, "table") });
    const read = await rewritten(model);
    const quantized = read.graph.nodes.filter(({ data }) => data.scales.length > 1);
    expect(quantized.length).toBeGreaterThan(3);
    expect(quantized.every(({ data }) => data.scales[0]![0]! > 0)).toBe(true);
    expect(await decibelsOf(read)).toBeGreaterThan(15);
  });
});
