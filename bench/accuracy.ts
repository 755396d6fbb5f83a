/**
 * What each step for accuracy gives and costs: agreement and signal to noise of the results on photographs that calibration did not see,
 * and CPU time over that of running the float network on the photographs that it saw, one thread.
 *
 *   npx tsx bench/accuracy.ts [MODEL ...]
 *
 * Needs ../shared (models and photographs).
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { modelInputs } from "../src/convert/model-inputs.ts";
import type { Sample } from "../src/data/dataset.ts";
import { openDataset } from "../src/data/node/open-dataset.ts";
import { preset } from "../src/data/preprocess/specification.ts";
import { denseValues } from "../src/graph/dense-values.ts";
import { openModelFile } from "../src/node.ts";
import type { OnnxModel } from "../src/onnx/model.ts";
import { type QuantizeOnnxOptions, quantizeOnnx } from "../src/quantize/onnx/quantize-onnx.ts";
import { beforeSoftmax } from "../src/quantize/refine/judge.ts";
import { bytesOf } from "../src/quantize/refine/partial-model.ts";
import { fitInputs } from "../src/runtime/fit-inputs.ts";
import { loadRuntime } from "../src/runtime/load.ts";

const SHARED = fileURLToPath(new URL("../../shared", import.meta.url));
const CALIBRATION = 100;

const MODELS = [
  { name: "SqueezeNet", path: "squeezenet_v1.1/squeezenet_v1.1.onnx", preprocess: "caffe" },
  { name: "MobileNetV1-0.25", path: "mobilenet_v1_0.25_224/mobilenet_v1_0.25_224.onnx", preprocess: "mobilenet" },
  { name: "EfficientNet-Lite0", path: "efficientnet_lite0/efficientnet_lite0.onnx", preprocess: "lite" },
] as const;

/** Each with what is done before it. */
const METHODS: readonly (readonly [string, Pick<QuantizeOnnxOptions, "effort" | "recipe">])[] = [
  ["min-max", { effort: "fast", recipe: { biasCorrection: false, activations: { method: "min-max" } } }],
  ["ranges of least error", { effort: "fast", recipe: { biasCorrection: false } }],
  ["mean errors out of biases", { effort: "fast" }],
  ["equalized and fitted, biases left", { recipe: { biasCorrection: false } }],
  ["equalized and fitted", {}],
  ["one scale a weight", { effort: "fast", recipe: { weights: { granularity: "per-tensor" } } }],
  ["one scale a weight, equalized and fitted", { recipe: { weights: { granularity: "per-tensor" } } }],
];

const wanted = process.argv.slice(2);
for (const model of MODELS) if (wanted.length === 0 || wanted.includes(model.name)) await bench(model);

async function bench({ name, path, preprocess }: (typeof MODELS)[number]): Promise<void> {
  const open = async () => (await openModelFile(join(SHARED, "models", path))) as OnnxModel;
  const inputs = modelInputs(await open());
  const images = async (range: object): Promise<Sample[]> => {
    const preprocessing = preset(preprocess);
    const samples: Sample[] = [];
    const dataset = await openDataset(join(SHARED, "images/imagenet_val"), inputs, { preprocessing, ...range });
    for await (const sample of dataset.samples()) samples.push(sample);
    return samples;
  };
  const [seen, others] = [await images({ limit: CALIBRATION }), await images({ offset: CALIBRATION })];
  const dataset = {
    length: seen.length,
    names: seen.map((sample) => sample.name),
    async *samples() {
      yield* seen;
    },
  };
  const bare = await cpuSeconds(async () => void (await resultsOf(await open(), seen)));
  const float = await resultsOf(await open(), others);
  console.log(
    `\n${name}: bare inference of ${seen.length} photographs ${bare.toFixed(2)} s\n\n| | agreement | dB | CPU |\n|---|---|---|---|`,
  );
  for (const [method, options] of METHODS) {
    const model = await open();
    const cpu = await cpuSeconds(async () => void (await quantizeOnnx(model, { ...options, dataset })));
    const { agreement, decibels } = nearness(float, await resultsOf(model, others));
    const figures = [`${(100 * agreement).toFixed(2)} %`, decibels.toFixed(2), `${(cpu / bare).toFixed(1)} ×`];
    console.log(`| ${[method, ...figures].join(" | ")} |`);
  }
}

/** Of this process, its threads included. */
async function cpuSeconds(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** What a Softmax at the end reads, for each example. */
async function resultsOf(model: OnnxModel, examples: readonly Sample[]): Promise<Float32Array[]> {
  const { graph } = model.main;
  graph.outputs = graph.outputs.map(beforeSoftmax);
  const runtime = await loadRuntime();
  const session = await runtime.createSession(await bytesOf(model), { placement: "direct", threads: 1 });
  const results: Float32Array[] = [];
  for (const { inputs } of examples) {
    const [first] = (await session.run(fitInputs(session.inputs, inputs))).values();
    results.push(denseValues(first!) as Float32Array);
  }
  await session.close();
  return results;
}

/** The share of examples with the same best class, and the mean over the examples of signal to noise in dB. */
function nearness(expected: readonly Float32Array[], found: readonly Float32Array[]) {
  const best = (values: Float32Array) => values.indexOf(Math.max(...values));
  const same = expected.filter((values, index) => best(values) === best(found[index]!));
  const decibels = expected.map((values, index) => {
    const signal = values.reduce((sum, value) => sum + value ** 2, 0);
    const noise = values.reduce((sum, value, at) => sum + (value - found[index]![at]!) ** 2, 0);
    return 10 * Math.log10(signal / noise);
  });
  return {
    agreement: same.length / expected.length,
    decibels: decibels.reduce((sum, one) => sum + one, 0) / decibels.length,
  };
}
