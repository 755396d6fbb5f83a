import { randomBytes } from "node:crypto";
import { closeSync, fdatasync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
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
  const flusher = new Flusher(descriptor);
  const gathered = new Uint8Array(GATHER_BYTES);
  let used = 0;
  const put = async (chunk: Uint8Array) => {
    writeAll(descriptor, chunk, path);
    await flusher.wrote(chunk.byteLength);
  };
  const flush = async () => {
    const waiting = gathered.subarray(0, used);
    used = 0;
    await put(waiting);
  };
  return {
    name: path,
    write: async (chunk) => {
      if (used + chunk.byteLength > GATHER_BYTES) await flush();
      if (chunk.byteLength > GATHER_BYTES) {
        await put(chunk);
        return;
      }
      gathered.set(chunk, used);
      used += chunk.byteLength;
    },
    commit: async () => {
      await flush();
      const failure = await flusher.end();
      if (failure !== undefined) throw writeError(path, failure);
      finish(descriptor, temporary, path);
      descriptor = -1;
    },
    abort: async () => {
      await flusher.end();
      if (descriptor >= 0) closeSync(descriptor);
      descriptor = -1;
      discard(temporary);
    },
  };
}

const GATHER_BYTES = 1 << 18;

/** Bytes after which what was written is sent on its way to the disk. */
const FLUSH_BYTES = 1 << 24;

/** Flushes a file while more is being written, so that little is left to wait for at the end. */
class Flusher {
  readonly #descriptor: number;
  #waiting = 0;
  #running: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** Also lets other events through now and then: a signal, the end of a flush. */
  async wrote(count: number): Promise<void> {
    this.#waiting += count;
    if (this.#waiting < FLUSH_BYTES) return;
    this.#waiting = 0;
    await new Promise((resolve) => setImmediate(resolve));
    this.#running ??= new Promise((resolve) => {
      fdatasync(this.#descriptor, (error) => {
        this.#failure ??= error ?? undefined;
        this.#running = undefined;
        resolve();
      });
    });
  }

  /** Resolves when no flush is running, with what went wrong in one: the system says so only once. */
  async end(): Promise<Error | undefined> {
    await this.#running;
    return this.#failure;
  }
}

function open(path: string, temporary: string): number {
  try {
    const descriptor = openSync(temporary, "wx", 0o644);
    // One listener is enough, however many files are written in the life of the process.
    process.off("exit", discardUnfinished);
    process.on("exit", discardUnfinished);
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
    throw writeError(file, cause as Error);
  }
}

function writeError(file: string, cause: Error): BoltqError {
  return new BoltqError("io", `writing failed (${cause.message})`, {
    file,
    cause,
    remedy: "Free some disk space or choose another folder; nothing was changed",
  });
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
