import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readlinkSync, rmSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

const unfinished = new Set<string>();

/**
 * The path of a new temporary file in `folder`, which is removed when the process exits before `forget` is called. Those
 * that killed processes left in the folder are removed now.
 */
export function temporaryPath(folder: string): string {
  sweep(folder);
  const path = join(folder, `.boltq-${machine()}-${process.pid}-${randomBytes(6).toString("hex")}.tmp`);
  // One listener is enough, however many files are written in the life of the process; others may have to wait at the end.
  process.off("exit", discardAll);
  process.prependListener("exit", discardAll);
  unfinished.add(path);
  return path;
}

/** Says that the temporary file has got its own name. */
export function forget(path: string): void {
  unfinished.delete(path);
}

/** Removes a temporary file. */
export function discard(path: string): void {
  rmSync(path, { force: true });
  unfinished.delete(path);
}

function discardAll(): void {
  for (const path of unfinished) rmSync(path, { force: true });
}

const NAME = /^\.boltq-([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.tmp$/;

/** What nobody has written to for so long is abandoned, whoever made it. */
const ABANDONED_MILLISECONDS = 24 * 60 * 60 * 1000;

const swept = new Set<string>();

function sweep(folder: string): void {
  if (swept.has(folder)) return;
  swept.add(folder);
  try {
    for (const name of readdirSync(folder)) {
      const [, home, pid] = NAME.exec(name) ?? [];
      if (home === undefined) continue;
      const path = join(folder, name);
      const dead = home === machine() && !isRunning(Number(pid));
      if (dead || Date.now() - statSync(path).mtimeMs > ABANDONED_MILLISECONDS) rmSync(path, { force: true });
    }
  } catch {
    // A folder that may be written but not listed, or a file that another process has just removed: nothing is lost.
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

let known: string | undefined;

/** Stands for the machine, or the container, in which process numbers mean the same. */
function machine(): string {
  known ??= createHash("sha256").update(`${hostname()} ${processNamespace()}`).digest("hex").slice(0, 8);
  return known;
}

function processNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}
