import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { BoltqError } from "../io/error.ts";
import { isDtypeName } from "../quantize/onnx/transformers-dtypes.ts";

const SUFFIX = ".onnx";

/**
 * The float models at `path`: the file itself, or the .onnx files of a folder, or of the folder onnx in it, that are named
 * as none of another dtype. Throws `not-found` where there is none.
 */
export function modelsToQuantize(path: string): string[] {
  if (!isFolder(path)) return [path];
  for (const folder of [path, join(path, "onnx")]) {
    const models = isFolder(folder) ? readdirSync(folder).filter(isFloatModel).sort() : [];
    if (models.length > 0) return models.map((name) => join(folder, name));
  }
  throw new BoltqError("not-found", `there is no float model (${SUFFIX}) in this folder, nor in onnx in it`, {
    file: path,
    remedy: "Give a model file, or the folder of one of transformers.js",
  });
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isFloatModel(name: string): boolean {
  return name.endsWith(SUFFIX) && !isDtypeName(name.slice(0, -SUFFIX.length));
}
