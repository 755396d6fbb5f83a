import { addObservers } from "../../src/calibrate/observer-graph.ts";
import type { Statistics, ValueStatistics } from "../../src/calibrate/statistics.ts";
import { raiseToOnnx } from "../../src/convert/bolt-to-onnx/index.ts";
import { type Model, readModel, writeModel } from "../../src/convert/model-file.ts";
import { memorySource } from "../../src/io/bytes.ts";
import { type MemoryTarget, memoryTarget } from "../../src/io/target.ts";
import { foldConstants } from "../../src/onnx/constant-folding.ts";
import type { OnnxModel } from "../../src/onnx/model.ts";
import { planBoltObservation } from "../../src/quantize/bolt/calibrate.ts";
import { convertOnnxToBolt } from "../../src/quantize/bolt/from-onnx.ts";
import { quantizeBolt } from "../../src/quantize/bolt/quantize.ts";
import type { BoltInference, BoltStorage } from "../../src/quantize/bolt/recipe.ts";
import { planObservation } from "../../src/quantize/onnx/observation.ts";
import { quantizeOnnx } from "../../src/quantize/onnx/quantize-onnx.ts";
import { tableOfTraining } from "../../src/quantize/table-of-training.ts";
import { diffModels } from "../../src/report/difference.ts";
import { summarizeModel } from "../../src/report/summary.ts";
import { upgradeVersion } from "../../src/transform/bolt/upgrade-version.ts";
import type { Step } from "./exercise.ts";
import type { Random } from "./random.ts";

const INFERENCES: readonly BoltInference[] = ["INT8_FP16", "INT8_FP32", "INT8", "INT4", "FP16", "FP32"];
const STORAGES: readonly (BoltStorage | undefined)[] = [undefined, "NOQUANT", "INT8", "INT4", "MIX", "FP16"];

/** All that can be done with a model file; `random` chooses options. Each step reads the file anew: steps use models up. */
export async function exerciseModel(bytes: Uint8Array, random: Random, step: Step): Promise<void> {
  const open = () => readModel(memorySource(bytes, "fuzzed"));
  const model = await step("read", open);
  if (model === undefined) return;
  await step("summary", () => summarizeModel(model));
  await step("diff", async () => diffModels(model, await open()));
  await step("write", () => written(model));
  if (model.format === "onnx") await exerciseOnnx(open as () => Promise<OnnxModel>, random, step);
  else await exerciseBolt(bytes, random, step);
}

async function exerciseOnnx(open: () => Promise<OnnxModel>, random: Random, step: Step): Promise<void> {
  await step("fold", async () => foldConstants(await open()));
  await step("plan", async () => {
    const model = await open();
    const { needs } = await planObservation(model, {});
    const statistics = madeStatistics(needs.keys(), random);
    await written((await quantizeOnnx(await open(), { statistics })).model);
    addObservers(model, needs);
    await written(model);
  });
  await step("table", async () => tableOfTraining(await open()));
  const bolt = await step("convert", async () => {
    const { model } = await convertOnnxToBolt(await open(), {
      precision: random.pick(["PTQ", "PTQ", "FP32", "FP16"]),
      version: random.pick([20220831, 20220831, 20220126]),
      asBolt: random.chance(0.2),
    });
    return (await written(model)).result();
  });
  if (bolt !== undefined) await exerciseBolt(bolt, random, step);
}

async function exerciseBolt(bytes: Uint8Array, random: Random, step: Step): Promise<void> {
  const open = async () => {
    const model = await readModel(memorySource(bytes, "fuzzed"));
    if (model.format !== "bolt") throw new Error("the converter wrote no Bolt model");
    return model;
  };
  await step("raise", async () => written(await raiseToOnnx(await open(), { layers: true })));
  await step("upgrade", async () => {
    const model = await open();
    upgradeVersion(model, 20220831);
    await written(model);
  });
  await step("observe", () => planBoltObservation(open, "histogram"));
  const quantized = await step("quantize", async () => {
    const storage = random.pick(STORAGES);
    const { model } = await quantizeBolt(await open(), {
      inference: random.pick(INFERENCES),
      ...(storage === undefined ? {} : { storage }),
      ...(random.chance(0.2) ? { clip: 2.5 } : {}),
      fuseBatchNorm: !random.chance(0.2),
      asBolt: random.chance(0.2),
    });
    return (await written(model)).result();
  });
  if (quantized === undefined) return;
  await step("raise quantized", async () => {
    const model = await readModel(memorySource(quantized, "quantized"));
    if (model.format === "bolt") await written(await raiseToOnnx(model));
  });
}

/** The most that a model made of a small file may have: above that something multiplies. */
const MOST_OUTPUT_BYTES = 1 << 27;

async function written(model: Model): Promise<MemoryTarget> {
  const target = memoryTarget();
  let length = 0;
  await writeModel(model, {
    ...target,
    write: async (chunk) => {
      length += chunk.byteLength;
      if (length > MOST_OUTPUT_BYTES) throw new Error(`more than ${MOST_OUTPUT_BYTES} bytes were written`);
      await target.write(chunk);
    },
  });
  return target;
}

/** Statistics as calibration gives them, with made-up numbers. */
function madeStatistics(names: Iterable<string>, random: Random): Statistics {
  return {
    examples: ["one"],
    skipped: [],
    values: new Map([...names].map((name) => [name, madeValue(random)])),
  };
}

function madeValue(random: Random): ValueStatistics {
  const [low, high] = [-random.pick([0, 0.5, 3]), random.pick([0, 1, 6.5, 1e30])];
  const counts = new Float64Array(2048).map((_, index) => Math.max(0, 50 - index));
  return {
    examples: 1,
    numbers: 2550,
    minimum: low,
    maximum: high,
    meanMinimum: low,
    meanMaximum: high,
    histogram: { exponent: 3, positive: counts, negative: counts },
    moments: { mean: (low + high) / 2, meanSquare: high ** 2 },
  };
}
