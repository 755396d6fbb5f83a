import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";

const ROUNDS = 7;
const MEGABYTE = 2 ** 20;

/** A program to measure: its words, and the files that it makes, which are gone before it starts. */
export interface Contender {
  readonly name: string;
  readonly command: readonly string[];
  readonly makes?: readonly string[];
}

export interface Measured {
  readonly seconds: number;
  readonly peakBytes: number;
}

export function megabytes(bytes: number): string {
  return `${(bytes / MEGABYTE).toFixed(0)} MB`;
}

/** The least seconds and the peak memory of every contender whose program is there; `rounds` of runs, in which all take turns. */
export function measure(contenders: readonly Contender[], rounds: number = ROUNDS): Map<string, Measured> {
  const least = new Map<string, Measured>();
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      if (contender.command.some((part) => part.endsWith(".js") && !existsSync(part))) continue;
      const { seconds, peakBytes } = run(contender);
      const before = least.get(contender.name) ?? { seconds, peakBytes };
      least.set(contender.name, {
        seconds: Math.min(before.seconds, seconds),
        peakBytes: Math.max(before.peakBytes, peakBytes),
      });
    }
  }
  return least;
}

/** Runs a command under GNU time, which knows its peak memory. */
function run({ name, command, makes = [] }: Contender): Measured {
  for (const path of makes) rmSync(path, { force: true });
  const start = performance.now();
  const { status, stderr, error } = spawnSync("/usr/bin/time", ["-f", "%M", ...command], { encoding: "utf8" });
  const seconds = (performance.now() - start) / 1000;
  if (error !== undefined || status !== 0) throw new Error(`${name}: ${error?.message ?? stderr}`);
  return { seconds, peakBytes: 1024 * Number(stderr.trim().split("\n").at(-1)) };
}

export function print(title: string, results: Map<string, Measured>, more: (result: Measured) => string[]): void {
  console.log(`\n${title}`);
  for (const [name, result] of results) {
    const columns = [`${result.seconds.toFixed(3)} s`, `${megabytes(result.peakBytes)} peak`, ...more(result)];
    console.log(`  ${name.padEnd(34)} ${columns.join(", ")}`);
  }
}
