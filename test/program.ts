import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const programs = join(dirname(fileURLToPath(import.meta.url)), "..", "dist", "bin");

/** The programs as they are installed; `npm run build` makes them. */
export type ProgramName = "boltq" | "x2bolt" | "post_training_quantization";

/** What a program did. */
export interface ProgramRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Path of a built program. Throws where it is not built. */
export function programPath(name: ProgramName): string {
  const path = join(programs, `${name}.js`);
  if (!existsSync(path)) throw new Error(`${path} is missing: run npm run build`);
  return path;
}

/** Runs a built program to its end. */
export function runProgram(name: ProgramName, ...args: readonly string[]): ProgramRun {
  const { status, stdout, stderr } = spawnSync(process.execPath, [programPath(name), ...args], { encoding: "utf8" });
  return { status, stdout, stderr };
}
