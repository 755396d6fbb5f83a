import type { BoltModel } from "../../src/bolt/model.ts";
import { addObservers } from "../../src/calibrate/observer-graph.ts";
import type { Statistics, ValueStatistics } from "../../src/calibrate/statistics.ts";
import { raiseToOnnx } from "../../src/convert/bolt-to-onnx/index.ts";
import { type Model, readModel, writeModel } from "../../src/convert/model-file.ts";
import type { ReadModelOptions } from "../../src/convert/model-format.ts";
import { memorySource, type Source } from "../../src/io/bytes.ts";
import { type MemoryTarget, memoryTarget } from "../../src/io/target.ts";
import { foldConstants } from "../../src/onnx/constant-folding.ts";
import type { OnnxModel } from "../../src/onnx/model.ts";
import { planBoltObservation } from "../../src/quantize/bolt/calibrate.ts";
import { convertOnnxToBolt, convertToBolt } from "../../src/quantize/bolt/convert-to-bolt.ts";
import { prepareBolt } from "../../src/quantize/bolt/prepare.ts";
import { quantizeBolt } from "../../src/quantize/bolt/quantize.ts";
import type { BoltInference, BoltStorage } from "../../src/quantize/bolt/recipe.ts";
import { planObservation } from "../../src/quantize/onnx/observation.ts";
import { quantizeOnnx } from "../../src/quantize/onnx/quantize-onnx.ts";
import { tableOfTraining } from "../../src/quantize/table-of-training.ts";
import { diffModels } from "../../src/report/difference.ts";
import { summarizeModel } from "../../src/report/summary.ts";
import { upgradeVersion } from "../../src/transform/bolt/upgrade-version.ts";
import type { Step } from "./exercise.ts";
import { splitPair } from "./pair.ts";
import type { Random } from "./random.ts";

const INFERENCES: readonly BoltInference[] = ["INT8_FP16", "INT8_FP32", "INT8", "INT4", "FP16", "FP32"];
const STORAGES: readonly (BoltStorage | undefined)[] = [undefined, "NOQUANT", "INT8", "INT4", "MIX", "FP16"];

type Way<Opened> = (open: () => Promise<Opened>, random: Random, step: Step) => Promise<unknown>;

/** Reads a model file and goes one of the ways that a model can go; `random` chooses it and its options. */
export async function exerciseModel(bytes: Uint8Array, random: Random, step: Step): Promise<void> {
  await exerciseOpened(() => readModel(memorySource(bytes, "fuzzed")), random, step);
  if (random.chance(0.3)) await convertAsBolt(memorySource(bytes, "fuzzed"), {}, random, step);
}

/** As `exerciseModel`, of the two files of a Caffe net. */
export async function exerciseCaffe(bytes: Uint8Array, random: Random, step: Step): Promise<void> {
  const { description, weights } = splitPair(bytes);
  const source = memorySource(weights, "net.caffemodel");
  const options = { externalData: async () => memorySource(description, "net.prototxt") };
  await exerciseOpened(() => readModel(source, options), random, step);
  if (random.chance(0.3)) await convertAsBolt(source, options, random, step);
}

/** Formats other than ONNX have a way of their own to what Bolt's tool writes. */
async function convertAsBolt(source: Source, options: ReadModelOptions, random: Random, step: Step): Promise<void> {
  await step("convert as Bolt", async () => {
    const { model } = await convertToBolt(source, {
      ...options,
      precision: random.pick(["PTQ", "FP32", "FP16"]),
      asBolt: true,
      name: "fuzzed",
    });
    await written(model);
  });
}

/** Steps use models up: each opens the file anew. */
async function exerciseOpened(open: () => Promise<Model>, random: Random, step: Step): Promise<void> {
  const model = await step("read", open);
  if (model === undefined) return;
  if (random.chance(0.2)) await random.pick(COMMON_WAYS)(open, random, step);
  else if (model.format === "onnx") await random.pick(ONNX_WAYS)(open as () => Promise<OnnxModel>, random, step);
  else await random.pick(BOLT_WAYS)(open as () => Promise<BoltModel>, random, step);
}

const COMMON_WAYS: readonly Way<Model>[] = [
  (open, _, step) => step("summary", async () => summarizeModel(await open())),
  (open, _, step) => step("diff", async () => diffModels(await open(), await open())),
  (open, _, step) => step("write", async () => written(await open())),
];

const convert: Way<OnnxModel> = async (open, random, step) => {
  const bolt = await step("convert", async () => {
    const { model } = await convertOnnxToBolt(await open(), {
      precision: random.pick(["PTQ", "PTQ", "FP32", "FP16"]),
      version: random.pick([20220831, 20220831, 20220126]),
      asBolt: random.chance(0.2),
    });
    return (await written(model)).result();
  });
  if (bolt !== undefined) await random.pick(BOLT_WAYS)(boltOpener(bolt), random, step);
};

const ONNX_WAYS: readonly Way<OnnxModel>[] = [
  (open, _, step) => step("fold", async () => foldConstants(await open())),
  (open, random, step) =>
    step("plan", async () => {
      const { needs } = await planObservation(await open(), {});
      const statistics = madeStatistics(needs.keys(), random);
      await written((await quantizeOnnx(await open(), { statistics })).model);
    }),
  (open, _, step) =>
    step("observe", async () => {
      const model = await open();
      const { needs } = await planObservation(model, {});
      addObservers(model, needs);
      await written(model);
    }),
  (open, _, step) => step("table", async () => tableOfTraining(await open())),
  convert,
  convert,
  convert,
];

const quantize: Way<BoltModel> = async (open, random, step) => {
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
  if (quantized !== undefined)
    await step("raise quantized", async () => written(await raiseToOnnx(await boltOpener(quantized)())));
};

const BOLT_WAYS: readonly Way<BoltModel>[] = [
  (open, _, step) => step("raise", async () => written(await raiseToOnnx(await open(), { layers: true }))),
  (open, _, step) =>
    step("upgrade", async () => {
      const model = await open();
      upgradeVersion(model, 20220831);
      await written(model);
    }),
  (open, _, step) =>
    step("observe", async () => planBoltObservation(await prepareBolt(await open()), () => "histogram")),
  quantize,
  quantize,
];

function boltOpener(bytes: Uint8Array): () => Promise<BoltModel> {
  return async () => {
    const model = await readModel(memorySource(bytes, "written"));
    if (model.format !== "bolt") throw new Error("what was written is no Bolt model");
    return model;
  };
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
