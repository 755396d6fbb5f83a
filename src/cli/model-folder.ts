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

const SUFFIXES = [".onnx"];

/** Formats that X2bolt reads and this program does not. */
const FOREIGN = [".caffemodel", ".prototxt", ".tflite", ".pb"];

/** Finds `folder`/`name` with a known suffix, given or not. Throws `not-found` or `unsupported`. */
export function findModel(folder: string, name: string): FoundModel {
  const given = SUFFIXES.find((suffix) => name.endsWith(suffix));
  const stem = given === undefined ? name : name.slice(0, -given.length);
  for (const suffix of SUFFIXES) {
    const path = join(folder, `${stem}${suffix}`);
    if (existsSync(path)) return { folder, name: stem, path };
  }
  const foreign = FOREIGN.find((suffix) => existsSync(join(folder, `${stem}${suffix}`)));
  if (foreign !== undefined) {
    throw new BoltqError("unsupported", `models of the kind "${foreign}" cannot be converted yet`, {
      file: join(folder, `${stem}${foreign}`),
      remedy: "Export the model as ONNX",
    });
  }
  throw new BoltqError(
    "not-found",
    `there is no ${SUFFIXES.map((suffix) => `${stem}${suffix}`).join(" or ")} in this folder`,
    {
      file: folder,
      remedy: "Check -d and -m",
    },
  );
}
