import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { BoltqError } from "../error.ts";
import type { Target } from "../target.ts";

const unfinished = new Set<string>();

/**
 * A file that appears at `path` only when it is complete: written beside it under a temporary name, flushed, renamed.
 * Small writes are gathered. The temporary file is also removed when the process exits before `commit`.
 */
export function fileTarget(path: string): Target {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  let descriptor = open(path, temporary);
  const gathered = new Uint8Array(GATHER_BYTES);
  let used = 0;
  const flush = () => {
    writeAll(descriptor, gathered.subarray(0, used), path);
    used = 0;
  };
  return {
    name: path,
    write: async (chunk) => {
      if (used + chunk.byteLength > GATHER_BYTES) flush();
      if (chunk.byteLength > GATHER_BYTES) {
        writeAll(descriptor, chunk, path);
        return;
      }
      gathered.set(chunk, used);
      used += chunk.byteLength;
    },
    commit: async () => {
      flush();
      finish(descriptor, temporary, path);
      descriptor = -1;
    },
    abort: async () => {
      if (descriptor >= 0) closeSync(descriptor);
      descriptor = -1;
      discard(temporary);
    },
  };
}

const GATHER_BYTES = 1 << 18;

function open(path: string, temporary: string): number {
  try {
    const descriptor = openSync(temporary, "wx", 0o644);
    if (unfinished.size === 0) process.once("exit", discardUnfinished);
    unfinished.add(temporary);
    return descriptor;
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new BoltqError(missing ? "not-found" : "io", `the file cannot be created (${(cause as Error).message})`, {
      file: path,
      cause,
      remedy: missing ? "Create the folder first" : "Check that the folder can be written to",
    });
  }
}

function writeAll(descriptor: number, chunk: Uint8Array, file: string): void {
  try {
    for (let done = 0; done < chunk.byteLength; ) done += writeSync(descriptor, chunk, done, chunk.byteLength - done);
  } catch (cause) {
    throw new BoltqError("io", `writing failed (${(cause as Error).message})`, {
      file,
      cause,
      remedy: "Free some disk space or choose another folder; nothing was changed",
    });
  }
}

function finish(descriptor: number, temporary: string, path: string): void {
  fsyncSync(descriptor);
  closeSync(descriptor);
  try {
    renameSync(temporary, path);
  } catch (cause) {
    discard(temporary);
    throw new BoltqError("io", `the finished file cannot be put in place (${(cause as Error).message})`, {
      file: path,
      cause,
    });
  }
  unfinished.delete(temporary);
}

function discard(temporary: string): void {
  rmSync(temporary, { force: true });
  unfinished.delete(temporary);
}

function discardUnfinished(): void {
  for (const temporary of unfinished) rmSync(temporary, { force: true });
}
