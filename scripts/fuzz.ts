/**
 * Damages valid files in every way and does with them all that boltq does, in a worker that is watched: what ends in
 * another way than with a result or a BoltqError, takes too long or too much memory is saved.
 *
 *   npm run fuzz -- --minutes 30 --seed 1
 *   npm run fuzz -- --seed 1 --replay 4711        runs one execution again
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { inputOf, seedOf } from "./fuzz/executions.ts";
import { exercise } from "./fuzz/exercise.ts";
import { makeSeeds } from "./fuzz/seeds.ts";
import type { WorkerData, WorkerFault } from "./fuzz/worker.ts";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    seed: { type: "string", default: "1" },
    /** The first execution, to go on where a run ended. */
    first: { type: "string", default: "0" },
    /** Ends after so many executions. */
    count: { type: "string", default: "Infinity" },
    /** Seconds and megabytes that one execution may take. */
    seconds: { type: "string", default: "10" },
    megabytes: { type: "string", default: "500" },
    /** Reference files to start from too. */
    shared: { type: "string", default: join(root, "..", "shared") },
    /** Where findings go. */
    output: { type: "string", default: join(root, "fuzz-findings") },
    replay: { type: "string" },
  },
});

const baseSeed = Number(options.seed);
const POLL_MILLISECONDS = 50;
const REPORT_SECONDS = 20;
/** The worker compiles and makes its seeds first. */
const START_SECONDS = 120;

const found = new Map<string, number>();

if (options.replay === undefined) await fuzz();
else await replay(Number(options.replay));

async function replay(index: number): Promise<void> {
  const { seed, kind, bytes } = await inputOf(await makeSeeds(options.shared), baseSeed, index);
  console.log(`execution ${index}: ${kind} of ${bytes.length} bytes, made of ${seed}`);
  const fault = await exercise(kind, bytes, seedOf(baseSeed, index), (name) => console.log(`  ${name}`));
  console.log(fault === undefined ? "no fault" : `${fault.step}: ${fault.error}`);
}

async function fuzz(): Promise<void> {
  const seeds = await makeSeeds(options.shared);
  console.log(`${seeds.length} seeds`);
  const [first, start, end] = [Number(options.first), Date.now(), Date.now() + 60_000 * Number(options.minutes)];
  const last = first + Number(options.count);
  let next = first;
  while (Date.now() < end && next < last) {
    const { index, reason } = await watch(next, last, end, start, first);
    next = index + 1;
    if (reason !== undefined) await save(seeds, index, reason, reason);
  }
  report(next - first, start);
  if (found.size > 0) process.exitCode = 1;

  /** Runs a worker until it must be ended; says at which execution, and why if that was its fault. */
  async function watch(from: number, last: number, end: number, start: number, first: number) {
    const current = new Int32Array(new SharedArrayBuffer(4)).fill(from);
    const worker = startWorker({ baseSeed, first: from, shared: options.shared, current });
    let failure: string | undefined;
    worker.on("error", (error) => {
      failure = `the worker failed: ${error.message}`;
    });
    worker.on("message", ({ index, step, error }: WorkerFault) => void save(seeds, index, step, error));
    const limit = 1000 * Number(options.seconds);
    let [index, since, reported] = [-1, Date.now() + 1000 * START_SECONDS, Date.now()];
    let base = process.memoryUsage().rss;
    for (;;) {
      await delay(POLL_MILLISECONDS);
      const now = Atomics.load(current, 0);
      const { rss } = process.memoryUsage();
      if (now !== index) {
        if (index >= 0) since = Date.now();
        index = now;
        base = rss;
      }
      const reason =
        failure ??
        (Date.now() - since > limit ? "takes too long" : undefined) ??
        (rss - base > 2 ** 20 * Number(options.megabytes) ? "takes too much memory" : undefined);
      if (reason !== undefined || Date.now() > end || now >= last) {
        await worker.terminate();
        return { index: now, reason };
      }
      if (Date.now() - reported > 1000 * REPORT_SECONDS) {
        reported = Date.now();
        report(now - first, start);
      }
    }
  }
}

function startWorker(workerData: WorkerData): Worker {
  const loader = createRequire(import.meta.url)
    .resolve("tsx/esm/api")
    .replace(/\.cjs$/, ".mjs");
  const entry = new URL("./fuzz/worker.ts", import.meta.url).href;
  const code = `import(${JSON.stringify(loader)}).then(({ register }) => { register(); return import(${JSON.stringify(entry)}); });`;
  return new Worker(code, { eval: true, workerData, resourceLimits: { maxOldGenerationSizeMb: 800 } });
}

/** Saves the input of an execution, the first one of each kind of fault. */
async function save(
  seeds: Awaited<ReturnType<typeof makeSeeds>>,
  index: number,
  step: string,
  error: string,
): Promise<void> {
  const place = error.split("\n").slice(0, 3).join(" ");
  const count = found.get(place) ?? 0;
  found.set(place, count + 1);
  if (count > 0) return;
  const { seed, kind, bytes } = await inputOf(seeds, baseSeed, index);
  mkdirSync(options.output, { recursive: true });
  const name = `${kind}-${baseSeed}-${index}`;
  writeFileSync(join(options.output, name), bytes);
  writeFileSync(join(options.output, `${name}.txt`), `made of ${seed}; ${step}\n${error}\n`);
  console.log(`FAULT ${name} (${seed}), ${step}: ${error.split("\n").slice(0, 3).join(" | ")}`);
}

function report(executions: number, start: number): void {
  const seconds = (Date.now() - start) / 1000;
  console.log(`${executions} executions, ${(executions / seconds).toFixed(0)} a second, ${found.size} kinds of faults`);
}
