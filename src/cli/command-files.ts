import { type BigIntStats, statSync } from "node:fs";
import { BoltqError } from "../io/error.ts";
import { destinationOf } from "../io/node/destination.ts";
import { fileTarget } from "../io/node/file-target.ts";
import type { Target } from "../io/target.ts";
import { keepStdoutFree } from "./print.ts";

/** Paths as the user named them; those of options that were not given are undefined. */
export type Paths = readonly (string | undefined)[];

const STDOUT = 1;

/**
 * All files that one command reads and writes. It is made before any work; files that turn up later (a model's external
 * data, the examples in a folder) are declared before the first output is written. So no output ever replaces an input or
 * another output, by whatever name or link. An output to stdout moves what is printed to stderr.
 */
export class CommandFiles {
  readonly #inputs = new Map<string, string>();
  readonly #outputs = new Map<string, string>();
  readonly #written = new Set<string>();
  readonly #partsOf = new Map<string, Set<string>>();

  /**
   * Names that are no files (a ready-made recipe, a folder) may be among `reads`. Throws BoltqError `usage` when a file is
   * both read and written or written twice, and as `destinationOf` does.
   */
  constructor({ reads = [], writes = [] }: { readonly reads?: Paths; readonly writes?: Paths }) {
    for (const path of reads) if (path !== undefined) this.read(path);
    for (const path of writes) if (path !== undefined) this.write(path);
  }

  /** Declares an input; `model` names the model that it is a part of. Returns the path. */
  read(path: string, model: string = path): string {
    this.#partsOf.set(model, new Set([...(this.#partsOf.get(model) ?? []), path]));
    const identity = identityOf(path);
    if (identity === undefined) return path;
    this.#inputs.set(identity, path);
    const output = this.#outputs.get(identity);
    if (output !== undefined) throw replaces(output, path);
    return path;
  }

  /** Declares an output. */
  write(path: string): void {
    this.#written.add(path);
    const destination = destinationOf(path);
    if (destination.kind === "descriptor" && destination.descriptor === STDOUT) keepStdoutFree();
    if (destination.kind !== "file") return;
    const identity = identityOf(destination.path) ?? destination.path;
    const input = this.#inputs.get(identity);
    if (input !== undefined) throw replaces(path, input);
    if (this.#outputs.has(identity)) {
      throw new BoltqError("usage", "two outputs would go to this file", {
        file: path,
        remedy: "Give each a file of its own",
      });
    }
    this.#outputs.set(identity, path);
  }

  /** Where an output goes. One whose name is known only now is declared by this. */
  target(path: string): Target {
    if (!this.#written.has(path)) this.write(path);
    return fileTarget(path);
  }

  /** The files of a model that was read, external data included. */
  partsOf(model: string): readonly string[] {
    return [...(this.#partsOf.get(model) ?? [])];
  }

  /** Bytes of all these files. */
  bytesOf(model: string): number {
    return this.partsOf(model).reduce((sum, path) => sum + statSync(path).size, 0);
  }
}

function replaces(output: string, input: string): BoltqError {
  return new BoltqError("usage", `the output would replace the input ${input}`, {
    file: output,
    remedy: "Give another file to write",
  });
}

/** What tells a file from all others, whatever it is called; undefined when there is none. */
function identityOf(path: string): string | undefined {
  const stats = statsOf(path);
  return stats?.isFile() ? `${stats.dev}:${stats.ino}` : undefined;
}

function statsOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined; // whoever opens it says why
  }
}
