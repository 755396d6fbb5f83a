import { existsSync } from "node:fs";
import { join } from "node:path";
import { BoltqError } from "../io/error.ts";

/** A model given as Bolt's X2bolt takes it: folder and name. */
export interface FoundModel {
  readonly folder: string;
  /** Without suffix. */
  readonly name: string;
  readonly path: string;
}

/** Suffixes of the files that make up a model, in the order in which Bolt looks for them. */
const KINDS: readonly (readonly [string, ...string[]])[] = [
  [".caffemodel", ".prototxt"],
  [".onnx"],
  [".tflite"],
  [".pb"],
  [".json"],
];

/** Finds `folder`/`name` with a known suffix, given or not. Throws `not-found`. */
export function findModel(folder: string, name: string): FoundModel {
  const given = KINDS.flat().find((suffix) => name.endsWith(suffix));
  const stem = given === undefined ? name : name.slice(0, -given.length);
  const has = (suffix: string) => existsSync(join(folder, `${stem}${suffix}`));
  for (const suffixes of KINDS) {
    const wanted = given === undefined || suffixes.includes(given);
    if (wanted && suffixes.every(has)) return { folder, name: stem, path: join(folder, `${stem}${suffixes[0]}`) };
  }
  const names = KINDS.map((suffixes) => suffixes.map((suffix) => `${stem}${suffix}`).join(" with "));
  throw new BoltqError("not-found", `there is no ${names.join(", nor ")} in this folder`, {
    file: folder,
    remedy: "Check -d and -m",
  });
}
