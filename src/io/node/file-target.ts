import {
  closeSync,
  fchmodSync,
  fchownSync,
  fdatasync,
  fsyncSync,
  openSync,
  renameSync,
  type Stats,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { BoltqError } from "../error.ts";
import type { Target } from "../target.ts";
import { creationError, destinationOf } from "./destination.ts";
import { streamTarget } from "./stream-target.ts";
import { discard, forget, temporaryPath } from "./temporary-file.ts";

/**
 * A file that appears at `path` only when it is complete. Links are followed: the file they lead to is replaced, and keeps
 * its mode. A device, a FIFO and /dev/stdout are written to as it goes. Throws BoltqError `not-found` or `io`.
 */
export function fileTarget(path: string): Target {
  const destination = destinationOf(path);
  return destination.kind === "file"
    ? wholeFile(destination.path, destination.existing, path)
    : streamTarget(destination, path);
}

/**
 * Written beside `path` under a temporary name, flushed, renamed. Small writes are gathered. The temporary file is also
 * removed when the process exits before `commit`. `name` is for messages.
 */
function wholeFile(path: string, existing: Stats | undefined, name: string): Target {
  const temporary = temporaryPath(dirname(path));
  const descriptor = create(temporary, existing, name);
  const flusher = new Flusher(descriptor);
  const gathered = new Uint8Array(GATHER_BYTES);
  let used = 0;
  let isOpen = true;
  const put = async (chunk: Uint8Array) => {
    writeAll(descriptor, chunk, name);
    await flusher.wrote(chunk.byteLength);
  };
  const flush = async () => {
    const waiting = gathered.subarray(0, used);
    used = 0;
    await put(waiting);
  };
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    closeSync(descriptor);
  };
  return {
    name,
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
      if (failure !== undefined) throw writeError(name, failure);
      try {
        fsyncSync(descriptor);
        close();
      } catch (cause) {
        throw writeError(name, cause as Error);
      }
      putInPlace(temporary, path, name);
    },
    abort: async () => {
      await flusher.end();
      close();
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

const MODE_BITS = 0o7777;

/** Creates the temporary file, never more open to others than the file that it will replace. */
function create(temporary: string, existing: Stats | undefined, name: string): number {
  try {
    const descriptor = openSync(temporary, "wx", existing === undefined ? 0o666 : 0o600);
    if (existing !== undefined) keepRights(descriptor, existing);
    return descriptor;
  } catch (cause) {
    discard(temporary);
    throw creationError(name, cause as Error);
  }
}

/** Only root may give a file away, and not every file system has modes: then it stays the user's own, and private. */
function keepRights(descriptor: number, { uid, gid, mode }: Stats): void {
  for (const keep of [() => fchownSync(descriptor, uid, gid), () => fchmodSync(descriptor, mode & MODE_BITS)]) {
    try {
      keep();
    } catch {
      // The file is written all the same.
    }
  }
}

function putInPlace(temporary: string, path: string, name: string): void {
  try {
    renameSync(temporary, path);
    forget(temporary);
  } catch (cause) {
    throw new BoltqError("io", `the finished file cannot be put in place (${(cause as Error).message})`, {
      file: name,
      cause,
      remedy: "Choose another name or folder; nothing was changed",
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
