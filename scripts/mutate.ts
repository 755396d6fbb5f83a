/**
 * Breaks the source on purpose, one small change at a time, in a copy of the project, and tells which changes no test
 * notices: `npm run mutate -- --files src/transform --count 100 --seed 1`.
 */

import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { reachingTests } from "./mutation/import-graph.ts";
import { type Mutant, mutantsOf } from "./mutation/mutants.ts";
import type { RunAnswer, RunRequest } from "./mutation/run-tests.ts";

const { values: options } = parseArgs({
  options: {
    /** What the paths of the files to change match. */
    files: { type: "string", default: "^src/(quantize|calibrate|convert|transform|graph)/" },
    /** What the paths of the tests to run match. */
    tests: { type: "string", default: "." },
    count: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    /** Seconds that the tests of one mutant may take. */
    limit: { type: "string", default: "120" },
    /** Print the noticed ones too. */
    all: { type: "boolean", default: false },
  },
});

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const folder = mkdtempSync(join(tmpdir(), "boltq-mutants-"));
const copy = join(folder, "project");
let runner: ChildProcess | undefined;
process.once("exit", () => {
  stopRunner();
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

const files = copyProject();
const tests = files.filter((file) => file.endsWith(".test.ts") && new RegExp(options.tests).test(file));
const reaching = reachingTests(copy, tests);
const sources = files.filter(
  (file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && new RegExp(options.files).test(file),
);
const mutants = sample(sources.flatMap((file) => mutantsOf(file, readFileSync(join(copy, file), "utf8"))));

const needed = [...new Set(mutants.flatMap(({ file }) => reaching.get(file) ?? []))];
const broken = await runTests({ changed: copy, tests: needed.map((test) => join(copy, test)) }, needed.length);
if (broken !== undefined) throw new Error(`the tests fail without any change: ${broken}`);

let noticed = 0;
for (const [index, mutant] of mutants.entries()) {
  const by = await noticedBy(mutant);
  if (by !== undefined) noticed += 1;
  if (by === undefined || options.all) print(mutant, by);
  if ((index + 1) % 25 === 0) process.stderr.write(`${index + 1} of ${mutants.length}, ${noticed} noticed\n`);
}
console.log(`${noticed} of ${mutants.length} mutants noticed (${((100 * noticed) / mutants.length).toFixed(1)} %)`);
process.exit(0);

/** Copies what is under version control, changed or not, and links the rest. Returns the paths. */
function copyProject(): string[] {
  const list = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: root, encoding: "utf8" });
  const paths = list.split("\n").filter((path) => path !== "" && existsSync(join(root, path)));
  for (const path of paths) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    cpSync(join(root, path), join(copy, path));
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  for (const [target, link] of [
    [join(root, "dist"), join(copy, "dist")],
    [join(root, "..", "shared"), join(folder, "shared")],
  ] as const) {
    if (existsSync(target)) symlinkSync(target, link);
  }
  return paths;
}

/** `count` of them, the same for the same seed, in the order of the files. */
function sample(all: Mutant[]): Mutant[] {
  let state = Number(options.seed);
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
  const keys = new Map(all.map((mutant) => [mutant, random()]));
  const chosen = new Set(
    [...all].sort((one, other) => keys.get(one)! - keys.get(other)!).slice(0, Number(options.count)),
  );
  return all.filter((mutant) => chosen.has(mutant));
}

/** The test file that fails with the mutant, or "time limit"; undefined if none does. */
async function noticedBy(mutant: Mutant): Promise<string | undefined> {
  const path = join(copy, mutant.file);
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.slice(0, mutant.start) + mutant.replacement + text.slice(mutant.end));
  try {
    return await runTests({ changed: path, tests: (reaching.get(mutant.file) ?? []).map((test) => join(copy, test)) });
  } finally {
    writeFileSync(path, text);
    runner?.send({ changed: path, tests: [] } satisfies RunRequest);
    if (runner !== undefined) await once(runner, "message");
  }
}

/** `limits`: how many times the time limit it may take. */
async function runTests(request: RunRequest, limits = 1): Promise<string | undefined> {
  runner ??= await startRunner();
  runner.send(request);
  const stop = new AbortController();
  const answer = await Promise.race([
    once(runner, "message", stop),
    once(runner, "exit", stop).then(() => "crash"),
    delay(1000 * limits * Number(options.limit), "time limit", stop),
  ]);
  stop.abort();
  if (typeof answer !== "string") return (answer[0] as RunAnswer).failed?.slice(copy.length + 1);
  stopRunner();
  return answer;
}

async function startRunner(): Promise<ChildProcess> {
  const script = join(root, "scripts", "mutation", "run-tests.ts");
  const started = fork(script, { cwd: copy, execArgv: ["--import", "tsx"], stdio: "ignore", detached: true });
  await once(started, "message");
  return started;
}

function stopRunner(): void {
  if (runner?.pid !== undefined && runner.exitCode === null) process.kill(-runner.pid, "SIGKILL");
  runner = undefined;
}

function print({ file, line, original, replacement }: Mutant, by: string | undefined): void {
  const [from, to] = [original, replacement].map((text) => text.replace(/\s+/g, " ").slice(0, 100));
  console.log(
    `${by === undefined ? "SURVIVED" : "noticed"} ${file}:${line}  ${from}  →  ${to}${by === undefined ? "" : `  (${by})`}`,
  );
}
