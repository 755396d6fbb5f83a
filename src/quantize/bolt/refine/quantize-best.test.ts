import { expect, it } from "vitest";
import { modelBytes } from "../../../../test/models/model-bytes.ts";
import { boltNetwork, normalPictures } from "../../../../test/models/networks.ts";
import type { BoltModel } from "../../../bolt/model.ts";
import { readBolt } from "../../../bolt/read.ts";
import { compareModels } from "../../../evaluate/compare.ts";
import { memorySource } from "../../../io/bytes.ts";
import { parsePlan, printPlanFile } from "../../plan-file.ts";
import { calibrateBolt } from "../calibrate.ts";
import { quantizeAsPlanned, quantizeBolt } from "../quantize.ts";
import { quantizeBoltBest } from "./quantize-best.ts";

/** As it is in the file. */
async function written(model: BoltModel): Promise<BoltModel> {
  return readBolt(memorySource(await modelBytes(model)));
}

async function decibels(model: BoltModel): Promise<number> {
  const samples = normalPictures(10, 900).samples();
  const { outputs } = await compareModels(boltNetwork(), await written(model), samples, { timedSamples: 0 });
  return outputs[0]!.decibels;
}

it.each([
  ["static int8", { inference: "INT8_FP32", static: true }, 0.3],
  ["dynamic int8", { inference: "INT8_FP32" }, 0.3],
  ["int8 storage", { inference: "FP32", storage: "INT8" }, 0.5],
  ["int4", { inference: "INT4" }, 1],
] as const)("is nearer to the float model on other data than %s without it", async (_, options, gain) => {
  const isStatic = "static" in options;
  const dataset = normalPictures(40);
  const plain = isStatic
    ? await calibrateBolt(boltNetwork(), dataset, options)
    : await quantizeBolt(boltNetwork(), options);
  const best = await quantizeBoltBest(boltNetwork(), dataset, options);
  expect(best.steps.map(({ name }) => name)).toEqual(["plan", "fitted", "equalized"]);
  expect(best.steps[1]).toMatchObject({ kept: true });
  expect(await decibels(best.model)).toBeGreaterThan((await decibels(plain.model)) + gain);
});

it("stores codes as they were fitted, gives the same bytes again, and does what its plan says", async () => {
  const quantize = () => quantizeBoltBest(boltNetwork(), normalPictures(12), { inference: "FP32", storage: "INT8" });
  const [one, other] = [await quantize(), await quantize()];
  const bytes = await modelBytes(one.model);
  expect(await modelBytes(other.model)).toEqual(bytes);
  const records = [...(await readBolt(memorySource(bytes))).weights];
  const codes = one.plan.weights.map((weight) => weight.codes!);
  expect(codes.map(({ length }) => length)).toEqual([432, 2304, 2304]);
  for (const [index, { weight, scales }] of records.entries()) {
    expect([...new Int8Array((await weight.read()).slice().buffer)]).toEqual([...codes[index]!]);
    expect(scales).toEqual([Float32Array.of(1 / one.plan.weights[index]!.scales[0]!)]);
  }
  const planned = await quantizeAsPlanned(boltNetwork(), parsePlan(printPlanFile(one.plan), "plan.json"));
  expect(await modelBytes(planned.model)).toEqual(bytes);
});

it("refuses clip values and Bolt's own ways", async () => {
  for (const options of [{ clip: 2 }, { asBolt: true }]) {
    await expect(quantizeBoltBest(boltNetwork(), normalPictures(2), options)).rejects.toThrow(/not sought/);
  }
});

it("refuses codes of another weight", async () => {
  const { plan } = await quantizeBolt(boltNetwork(), { inference: "INT8_FP32" });
  const [first, ...others] = plan.weights.map((weight) => ({ ...weight, scales: [0.01] }));
  const refused = (codes: Int8Array, type: "int8" | "float32" = "int8") =>
    quantizeAsPlanned(boltNetwork(), { ...plan, weights: [{ ...first!, type, codes }, ...others] });
  await expect(refused(new Int8Array(431))).rejects.toThrow(/codes are not those of this weight/);
  await expect(refused(new Int8Array(432).fill(-128))).rejects.toThrow(/codes are not those of this weight/);
  await expect(refused(new Int8Array(432), "float32")).rejects.toThrow(/codes are not those of this weight/);
  await expect(refused(new Int8Array(432).fill(-127))).resolves.toBeDefined();
});
