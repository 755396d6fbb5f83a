import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { checkRange, type Source } from "../bytes.ts";
import { BoltqError } from "../error.ts";

/** A source over a file that stays open until `close`. */
export interface FileSource extends Source {
  /** Closes the file; reads after that throw. Safe to call twice. */
  close(): void;
}

/**
 * Opens `path` for positional reads. Reads are made at once (a read from the page cache costs less than a trip through
 * the thread pool). Throws BoltqError `not-found` or `io`.
 */
export function fileSource(path: string): FileSource {
  const descriptor = openFile(path);
  const { size } = fstatSync(descriptor);
  let open = true;
  return {
    name: path,
    length: size,
    place: { path, descriptor, offset: 0 },
    read: async (offset = 0, length = size - offset, room = undefined) => {
      checkRange(size, offset, length, path);
      if (!open) throw new BoltqError("io", "the file was closed while it was still being read", { file: path });
      return readFully(descriptor, offset, room?.subarray(0, length) ?? new Uint8Array(length), path);
    },
    close: () => {
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}

function openFile(path: string): number {
  try {
    // Without waiting: to open a pipe would else stop this process until somebody writes into it.
    const descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    if (fstatSync(descriptor).isFile()) return descriptor;
    closeSync(descriptor);
  } catch (cause) {
    throw openError(path, cause);
  }
  throw new BoltqError("io", "this is not a regular file", { file: path, remedy: "Give the path of a file on a disk" });
}

function openError(path: string, cause: unknown): BoltqError {
  if ((cause as NodeJS.ErrnoException).code === "ENOENT") {
    return new BoltqError("not-found", "there is no such file", { file: path, cause, remedy: "Check the path" });
  }
  return new BoltqError("io", `the file cannot be opened (${(cause as Error).message})`, { file: path, cause });
}

/** Fills all of `buffer` from byte `offset` of the file. */
function readFully(descriptor: number, offset: number, buffer: Uint8Array, file: string): Uint8Array {
  for (let done = 0; done < buffer.length; ) {
    const count = readSync(descriptor, buffer, done, buffer.length - done, offset + done);
    if (count === 0) throw new BoltqError("truncated", "the file became shorter while it was read", { file, offset });
    done += count;
  }
  return buffer;
}
