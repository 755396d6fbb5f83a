/**
 * What each step for accuracy gives and costs, alone and in order: agreement and signal to noise of the results on photographs that
 * calibration did not see, right answers there, and CPU time over that of running the float network on the photographs that it saw, one thread.
 *
 *   npx tsx bench/accuracy.ts [MODEL ...] [--resume FILE.json]
 *
 * With --resume rows that FILE.json holds are not measured again, and new ones are put there. Needs ../shared (models and photographs).
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
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
const IMAGES = join(SHARED, "images/imagenet_val");
const CALIBRATION = 100;

/** The right class of each photograph. */
const CLASSES = new Map(
  readFileSync(join(IMAGES, "labels.csv"), "utf8")
    .split("\n")
    .map((line) => line.split(","))
    .map(([file = "", of]) => [file, Number(of)]),
);

const MODELS = [
  { name: "SqueezeNet", path: "squeezenet_v1.1/squeezenet_v1.1.onnx", preprocess: "caffe" },
  { name: "MobileNetV1-0.25", path: "mobilenet_v1_0.25_224/mobilenet_v1_0.25_224.onnx", preprocess: "mobilenet" },
  { name: "EfficientNet-Lite0", path: "efficientnet_lite0/efficientnet_lite0.onnx", preprocess: "lite" },
] as const;

type Method = Pick<QuantizeOnnxOptions, "effort" | "recipe" | "attempts" | "refitWeights">;

const MIN_MAX = { biasCorrection: false, activations: { method: "min-max" } } as const;
const PER_TENSOR = { weights: { granularity: "per-tensor" } } as const;
const FOUR_BITS = { weights: { bits: 4 } } as const;

const METHODS: readonly (readonly [string, Method])[] = [
  ["min-max, nearest codes", { effort: "fast", recipe: MIN_MAX }],
  ["alone: ranges of least error", { effort: "fast", recipe: { biasCorrection: false } }],
  ["alone: mean errors out of biases", { effort: "fast", recipe: { ...MIN_MAX, biasCorrection: true } }],
  ["alone: channels equalized", { attempts: ["equalized"], recipe: MIN_MAX }],
  ["alone: codes that cancel", { attempts: ["fitted"], refitWeights: false, recipe: MIN_MAX }],
  ["alone: weights refitted, codes that cancel", { attempts: ["fitted"], recipe: MIN_MAX }],
  [
    "alone: biases behind the activation, codes that cancel",
    { attempts: ["fitted"], refitWeights: false, recipe: { ...MIN_MAX, biasCorrection: true } },
  ],
  ["in order: ranges, biases by means (`--effort fast`)", { effort: "fast" }],
  ["… channels equalized", { attempts: ["equalized"] }],
  ["… codes that cancel, biases behind the activation", { refitWeights: false }],
  ["… weights refitted (the default)", {}],
  ["one scale a weight, `--effort fast`", { effort: "fast", recipe: PER_TENSOR }],
  ["one scale a weight, the default", { recipe: PER_TENSOR }],
  ["weights in 4 bits, `--effort fast`", { effort: "fast", recipe: FOUR_BITS }],
  ["weights in 4 bits, the default", { recipe: FOUR_BITS }],
];

/** What was measured of one model, by method. */
type Rows = Record<string, string>;

const { values, positionals: wanted } = parseArgs({ options: { resume: { type: "string" } }, allowPositionals: true });
const kept: Record<string, Rows> =
  values.resume !== undefined && existsSync(values.resume) ? JSON.parse(readFileSync(values.resume, "utf8")) : {};
for (const model of MODELS) if (wanted.length === 0 || wanted.includes(model.name)) await bench(model);

async function bench({ name, path, preprocess }: (typeof MODELS)[number]): Promise<void> {
  const rows: Rows = kept[name] ?? {};
  kept[name] = rows;
  const open = async () => (await openModelFile(join(SHARED, "models", path))) as OnnxModel;
  const inputs = modelInputs(await open());
  const images = async (range: object): Promise<Sample[]> => {
    const preprocessing = preset(preprocess);
    const samples: Sample[] = [];
    const dataset = await openDataset(IMAGES, inputs, { preprocessing, ...range });
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
  const answers = others.map((sample) => CLASSES.get(basename(sample.name)));
  const right = (found: readonly Float32Array[]) =>
    `${((100 * found.filter((one, index) => bestOf(one) === answers[index]).length) / found.length).toFixed(2)} %`;
  console.log(`\n${name}: bare inference of ${seen.length} photographs ${bare.toFixed(2)} s, right ${right(float)}\n`);
  console.log("| | agreement | dB | right | CPU |\n|---|---|---|---|---|");
  for (const [method, options] of METHODS) {
    rows[method] ??= await measured(options);
    console.log(rows[method]);
    if (values.resume !== undefined) writeFileSync(values.resume, JSON.stringify(kept, undefined, 1));

    async function measured(how: Method): Promise<string> {
      const model = await open();
      let undone = "";
      const cpu = await cpuSeconds(async () => {
        const { steps = [] } = await quantizeOnnx(model, { ...how, dataset });
        const names = steps.filter((step) => !step.kept).map((step) => step.name);
        undone = names.length === 0 ? "" : ` (undone: ${names.join(", ")})`;
      });
      const found = await resultsOf(model, others);
      const { agreement, decibels } = nearness(float, found);
      const figures = [
        `${(100 * agreement).toFixed(2)} %`,
        decibels.toFixed(2),
        right(found),
        `${(cpu / bare).toFixed(1)} ×`,
      ];
      return `| ${[method + undone, ...figures].join(" | ")} |`;
    }
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

/** The class with the largest score, not counting one for all else that stands before the thousand of the photographs. */
function bestOf(scores: Float32Array): number {
  return scores.indexOf(Math.max(...scores)) - (scores.length - 1000);
}

/** The share of examples with the same best class, and the mean over the examples of signal to noise in dB. */
function nearness(expected: readonly Float32Array[], found: readonly Float32Array[]) {
  const same = expected.filter((values, index) => bestOf(values) === bestOf(found[index]!));
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
