import { closeSync, constants, openSync, writeSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { BoltqError } from "../error.ts";
import type { Target } from "../target.ts";
import { creationError, type Destination } from "./destination.ts";

/** How long a FIFO without a reader, or one that is full, is left alone. */
const PAUSE_MILLISECONDS = 10;

/** Writes to a device, a FIFO or an open descriptor as it goes: what was written cannot be taken back. */
export function streamTarget(destination: Exclude<Destination, { kind: "file" }>, name: string): Target {
  const given = destination.kind === "descriptor" ? destination.descriptor : undefined;
  let descriptor = given;
  const close = async () => {
    if (descriptor !== undefined && descriptor !== given) closeSync(descriptor);
    descriptor = given;
  };
  return {
    name,
    write: async (chunk) => {
      if (destination.kind === "stream") descriptor ??= await openStream(destination.path, name);
      await writeAll(descriptor!, chunk, name);
    },
    commit: close,
    abort: close,
  };
}

/** Waits for the reader of a FIFO without blocking the process, so that signals are heard. */
async function openStream(path: string, name: string): Promise<number> {
  for (;;) {
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENXIO") throw creationError(name, error as Error);
    }
    await setTimeout(PAUSE_MILLISECONDS);
  }
}

async function writeAll(descriptor: number, chunk: Uint8Array, name: string): Promise<void> {
  for (let done = 0; done < chunk.byteLength; ) {
    try {
      done += writeSync(descriptor, chunk, done, chunk.byteLength - done);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EAGAIN") {
        throw new BoltqError("io", `writing failed (${(cause as Error).message})`, { file: name, cause });
      }
      await setTimeout(PAUSE_MILLISECONDS);
    }
  }
}
