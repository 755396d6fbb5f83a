import { accessSync, constants, readlinkSync, realpathSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { BoltqError } from "../error.ts";

/** What an output's path leads to, links followed. */
export type Destination =
  /** A regular file, or none yet; `existing` is what is there. */
  | { readonly kind: "file"; readonly path: string; readonly existing: Stats | undefined }
  /** A device, a FIFO, a socket: is written to, never replaced. */
  | { readonly kind: "stream"; readonly path: string }
  /** A file that this process was given open: 1 for /dev/stdout. */
  | { readonly kind: "descriptor"; readonly descriptor: number };

/** As many links as Linux follows. */
const MOST_LINKS = 40;

/**
 * Finds what `path` leads to. Throws BoltqError `not-found` when its folder is missing, `io` when it is a folder or may
 * not be written.
 */
export function destinationOf(path: string): Destination {
  try {
    const end = endOfLinks(path);
    return typeof end === "number" ? { kind: "descriptor", descriptor: end } : destinationAt(end);
  } catch (cause) {
    throw cause instanceof BoltqError ? cause.within({ file: path }) : creationError(path, cause as Error);
  }
}

function destinationAt(path: string): Destination {
  const existing = statSync(path, { throwIfNoEntry: false });
  if (existing?.isDirectory()) {
    throw new BoltqError("io", "this is a folder, and a file is to be written", {
      remedy: "Give the name of a file",
    });
  }
  if (existing !== undefined) accessSync(path, constants.W_OK);
  if (existing !== undefined && !existing.isFile()) return { kind: "stream", path };
  accessSync(dirname(path), constants.W_OK);
  return { kind: "file", path, existing };
}

/** The path that the links from `path` on lead to, or the number of a descriptor of this process. */
function endOfLinks(path: string): string | number {
  let current = realFolder(resolve(path));
  for (let links = 0; links < MOST_LINKS; links++) {
    const descriptor = descriptorNumber(current);
    if (descriptor !== undefined) return descriptor;
    const target = linkAt(current);
    if (target === undefined) return current;
    current = realFolder(resolve(dirname(current), target));
  }
  throw new BoltqError("io", "its links lead round in a circle", { remedy: "Give the file that is meant" });
}

/** The path with the links of its folders followed. */
function realFolder(path: string): string {
  return path === dirname(path) ? path : join(realpathSync(dirname(path)), basename(path));
}

function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // nothing there, or no link
  }
}

/** Linux shows a process its open files as links in a folder; opening one of these anew would start from byte 0. */
function descriptorNumber(path: string): number | undefined {
  const folder = dirname(path);
  const isOwn = folder === `/proc/${process.pid}/fd` || folder === "/dev/fd";
  return isOwn && /^\d+$/.test(basename(path)) ? Number(basename(path)) : undefined;
}

/** Why an output cannot be made. */
export function creationError(file: string, cause: Error): BoltqError {
  const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
  return new BoltqError(missing ? "not-found" : "io", `the file cannot be created (${cause.message})`, {
    file,
    cause,
    remedy: missing ? "Create the folder first" : "Check that it and its folder can be written to",
  });
}
