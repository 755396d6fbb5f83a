/**
 * What calibration costs beside bare inference of the same prepared tensors on one thread: wall and CPU seconds as ratios,
 * and peak memory above a process that only runs the float model.
 *
 *   npm run build && node --import tsx bench/calibrate.ts [COUNTS, default 100,800]
 *
 * Needs ../shared (models and photographs). Each measurement is a process of its own; bare inference and calibration take
 * turns in it, and the least time of each counts.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Dataset, Sample } from "../src/data/dataset.ts";
import type { OnnxModel } from "../src/onnx/model.ts";

const SHARED = fileURLToPath(new URL("../../shared", import.meta.url));
const MODELS = [
  { name: "SqueezeNet", path: "squeezenet_v1.1/squeezenet_v1.1.onnx", preset: "caffe" },
  { name: "MobileNetV1-0.25", path: "mobilenet_v1_0.25_224/mobilenet_v1_0.25_224.onnx", preset: "mobilenet" },
  { name: "EfficientNet-Lite0", path: "efficientnet_lite0/efficientnet_lite0.onnx", preset: "lite" },
] as const;
const MODES = { "min-max": "extremes", sampled: "sample", histograms: "histogram" } as const;
const ROUNDS = 5;
const MEGABYTE = 2 ** 20;

type Mode = keyof typeof MODES;
type Task = "time" | "bare" | Mode;

interface Measured {
  readonly wall: number;
  readonly cpu: number;
  readonly bareWall: number;
  readonly bareCpu: number;
  readonly peakBytes: number;
}

const dist = new URL("../dist/", import.meta.url).href;

if (process.argv[2] === "measure") await measure(process.argv.slice(3));
else await bench((process.argv[2] ?? "100,800").split(",").map(Number));

async function bench(counts: readonly number[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "boltq-bench-"));
  try {
    for (const model of MODELS) await prepare(model, join(folder, model.name), Math.max(...counts));
    for (const count of counts) report(count, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function report(count: number, folder: string): void {
  console.log(`\n${count} images`);
  const ratios = new Map<Mode, number[]>();
  for (const { name } of MODELS) {
    const bare = measured(name, "bare", "histograms", count, folder);
    for (const mode of Object.keys(MODES) as Mode[]) {
      const time = measured(name, "time", mode, count, folder);
      const memory = measured(name, mode, mode, count, folder);
      const wall = time.wall / time.bareWall;
      ratios.set(mode, [...(ratios.get(mode) ?? []), wall]);
      console.log(
        `  ${name.padEnd(20)} ${mode.padEnd(11)} ${wall.toFixed(2)} x wall, ${(time.cpu / time.bareCpu).toFixed(2)} x CPU of bare inference (${time.bareWall.toFixed(3)} s), ${((memory.peakBytes - bare.peakBytes) / MEGABYTE).toFixed(0)} MB above it (${(bare.peakBytes / MEGABYTE).toFixed(0)} MB)`,
      );
    }
  }
  for (const [mode, all] of ratios) {
    const mean = all.reduce((product, ratio) => product * ratio, 1) ** (1 / all.length);
    console.log(`  geometric mean, ${mode}: ${mean.toFixed(2)} x wall`);
  }
}

/** Runs one measurement in a process of its own. */
function measured(model: string, task: Task, mode: Mode, count: number, folder: string): Measured {
  const script = fileURLToPath(import.meta.url);
  const args = ["--import", "tsx", script, "measure", model, task, mode, `${count}`, join(folder, model)];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${model} ${task}: ${stderr}`);
  return JSON.parse(stdout);
}

/** Writes the prepared inputs as arrays, one a picture. */
async function prepare({ path, preset }: (typeof MODELS)[number], folder: string, count: number): Promise<void> {
  const { openDataset, preset: named, writeNpy } = await library();
  const { inputs } = await openFloat(path);
  const dataset = await openDataset(join(SHARED, "images/imagenet_val"), inputs, {
    preprocessing: named(preset),
    limit: count,
  });
  mkdirSync(folder);
  let place = 0;
  for await (const sample of dataset.samples()) {
    writeFileSync(join(folder, `${`${place++}`.padStart(4, "0")}.npy`), writeNpy([...sample.inputs.values()][0]!));
  }
}

async function measure([name, task, mode, count, folder]: readonly string[]): Promise<void> {
  const { openDataset, collectObservations, preset } = await library();
  const { path } = MODELS.find((model) => model.name === name)!;
  const { model, inputs, file } = await openFloat(path);
  const stream = await openDataset(folder!, inputs, { preprocessing: preset("raw"), limit: Number(count) });
  if (readdirSync(folder!).length < Number(count)) throw new Error("too few inputs");
  const needs = await needsOf(model, MODES[mode as Mode]);
  const calibrate = (dataset: Dataset) => collectObservations(model, needs, dataset);
  let least: Measured = {
    wall: Number.POSITIVE_INFINITY,
    cpu: 0,
    bareWall: Number.POSITIVE_INFINITY,
    bareCpu: 0,
    peakBytes: 0,
  };
  if (task === "bare") await bareRun(file, stream);
  else if (task !== "time") await calibrate(stream);
  else {
    const dataset = await inMemory(stream);
    for (let round = 0; round < ROUNDS; round++) {
      const bare = await timed(() => bareRun(file, dataset));
      const own = await timed(() => calibrate(dataset));
      if (bare.wall < least.bareWall) least = { ...least, bareWall: bare.wall, bareCpu: bare.cpu };
      if (own.wall < least.wall) least = { ...least, wall: own.wall, cpu: own.cpu };
    }
  }
  process.stdout.write(JSON.stringify({ ...least, peakBytes: 1024 * process.resourceUsage().maxRSS }));
}

/** Inference alone, in the calling thread; the time to open the model does not count. */
async function bareRun(file: string, dataset: Dataset): Promise<number> {
  const { loadRuntime } = await library();
  const session = await (await loadRuntime()).createSession({ path: file }, { placement: "direct" });
  const start = performance.now();
  for await (const { inputs } of dataset.samples()) await session.run(inputs);
  const seconds = (performance.now() - start) / 1000;
  await session.close();
  return seconds;
}

async function timed(work: () => Promise<unknown>): Promise<{ wall: number; cpu: number }> {
  const before = process.cpuUsage();
  const start = performance.now();
  const own = await work();
  const { user, system } = process.cpuUsage(before);
  return { wall: typeof own === "number" ? own : (performance.now() - start) / 1000, cpu: (user + system) / 1e6 };
}

async function inMemory(dataset: Dataset): Promise<Dataset> {
  const samples: Sample[] = [];
  for await (const sample of dataset.samples()) samples.push(sample);
  return {
    ...dataset,
    async *samples() {
      yield* samples;
    },
  };
}

async function openFloat(
  path: string,
): Promise<{ model: OnnxModel; inputs: OnnxModel["main"]["graph"]["inputs"]; file: string }> {
  const { openModelFile } = await library();
  const file = join(SHARED, "models", path);
  const model = (await openModelFile(file)) as OnnxModel;
  return { model, inputs: model.main.graph.inputs.filter(({ constant }) => constant === undefined), file };
}

/** What boltq quantize would observe. */
async function needsOf(model: OnnxModel, kind: string): Promise<Map<string, Set<never>>> {
  const { planObservation } = await import(`${dist}quantize/onnx/observation.js`);
  const { needs } = await planObservation(model, { biasCorrection: false });
  return new Map([...needs.keys()].map((name: string) => [name, new Set([kind as never])]));
}

/** The built package, and what it does not export. */
async function library() {
  const node: typeof import("../src/node.ts") = await import(`${dist}node.js`);
  const collect: typeof import("../src/calibrate/collect.ts") = await import(`${dist}calibrate/collect.js`);
  const load: typeof import("../src/runtime/load.ts") = await import(`${dist}runtime/load.js`);
  return { ...node, ...collect, ...load };
}
