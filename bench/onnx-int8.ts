/**
 * What quantizing ONNX models to int8 costs and gains: accuracy and agreement on photographs that calibration did not see,
 * size, and the speed of the int8 file against the float one, one thread, in turns.
 *
 *   npx tsx bench/onnx-int8.ts
 *
 * Needs ../shared (models and photographs).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { modelInputs } from "../src/convert/model-inputs.ts";
import { parseLabels } from "../src/data/labels.ts";
import { openDataset } from "../src/data/node/open-dataset.ts";
import { preset } from "../src/data/preprocess/specification.ts";
import { evaluateModel } from "../src/evaluate/accuracy.ts";
import { memorySource } from "../src/io/bytes.ts";
import { memoryTarget } from "../src/io/target.ts";
import { openModelFile } from "../src/node.ts";
import type { OnnxModel } from "../src/onnx/model.ts";
import { readOnnx } from "../src/onnx/read.ts";
import { writeOnnx } from "../src/onnx/write.ts";
import { quantizeOnnx } from "../src/quantize/onnx/quantize-onnx.ts";
import { loadRuntime } from "../src/runtime/load.ts";
import type { NamedTensors } from "../src/runtime/runtime.ts";

const SHARED = fileURLToPath(new URL("../../shared", import.meta.url));
const IMAGES = join(SHARED, "images/imagenet_val");
const CALIBRATION = 100;
const ROUNDS = 60;
const MODELS = [
  { name: "SqueezeNet", path: "squeezenet_v1.1/squeezenet_v1.1.onnx", preprocess: "caffe", labelOffset: 0 },
  {
    name: "MobileNetV1-0.25",
    path: "mobilenet_v1_0.25_224/mobilenet_v1_0.25_224.onnx",
    preprocess: "mobilenet",
    labelOffset: 1,
  },
  {
    name: "EfficientNet-Lite0",
    path: "efficientnet_lite0/efficientnet_lite0.onnx",
    preprocess: "lite",
    labelOffset: 0,
  },
] as const;

const labels = parseLabels(readFileSync(join(IMAGES, "labels.csv"), "utf8"), "labels.csv");
for (const model of MODELS) await bench(model);

async function bench({ name, path, preprocess, labelOffset }: (typeof MODELS)[number]): Promise<void> {
  const file = join(SHARED, "models", path);
  const open = async () => (await openModelFile(file)) as OnnxModel;
  const float = await open();
  const preprocessing = preset(preprocess);
  const images = (range: object) => openDataset(IMAGES, modelInputs(float), { preprocessing, ...range });
  const dataset = await images({ limit: CALIBRATION });
  const { model } = await quantizeOnnx(await open(), { dataset });
  const target = memoryTarget();
  await writeOnnx(model, target);
  const bytes = target.result();
  const others = async () => (await images({ offset: CALIBRATION })).samples();
  const before = await evaluateModel(float, await others(), { labels, labelOffset });
  const after = await evaluateModel(await readOnnx(memorySource(bytes)), await others(), {
    labels,
    labelOffset,
    reference: float,
  });
  const [input] = await firstInputs(await images({ limit: 1 }));
  const { least, median } = await speed(file, bytes, input!);
  const percent = (share: number | undefined) => `${(100 * (share ?? 0)).toFixed(2)} %`;
  console.log(
    [
      name,
      `top 1 ${percent(before.top1)} -> ${percent(after.top1)}, top 5 ${percent(before.top5)} -> ${percent(after.top5)}`,
      `agreement ${percent(after.agreement)}, ${after.decibels?.toFixed(1)} dB`,
      `${(readFileSync(file).byteLength / bytes.byteLength).toFixed(2)} x smaller`,
      `${least.toFixed(2)} x as fast by least time, ${median.toFixed(2)} x by median`,
    ].join("; "),
  );
}

async function firstInputs(dataset: Awaited<ReturnType<typeof openDataset>>): Promise<NamedTensors[]> {
  const inputs: NamedTensors[] = [];
  for await (const sample of dataset.samples()) inputs.push(sample.inputs);
  return inputs;
}

/** Float time by int8 time. */
async function speed(file: string, bytes: Uint8Array, input: NamedTensors): Promise<{ least: number; median: number }> {
  const runtime = await loadRuntime();
  const float = await runtime.createSession({ path: file });
  const int8 = await runtime.createSession(bytes);
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    times[0].push(...(await float.time(input, 3)));
    times[1].push(...(await int8.time(input, 3)));
  }
  await float.close();
  await int8.close();
  const sorted = times.map((list) => list.toSorted((one, other) => one - other));
  const ratio = (share: number) => {
    const [slow, fast] = sorted.map((list) => list[Math.floor(share * (list.length - 1))]!);
    return slow! / fast!;
  };
  return { least: ratio(0), median: ratio(0.5) };
}
