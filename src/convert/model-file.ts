import type { BoltModel } from "../bolt/model.ts";
import { looksLikeBolt, readBolt } from "../bolt/read.ts";
import { writeBolt } from "../bolt/write.ts";
import type { Source } from "../io/bytes.ts";
import { BoltqError } from "../io/error.ts";
import { type Target, writeWhole } from "../io/target.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { type ReadOnnxOptions, readOnnx } from "../onnx/read.ts";
import { writeOnnx } from "../onnx/write.ts";

/** A model of either dialect; `format` tells which. */
export type Model = BoltModel | OnnxModel;

/**
 * Reads a model file, telling its format by its content. Weights stay in the source until they are used. Throws
 * BoltqError `format` when it is neither a Bolt nor an ONNX model, or is damaged.
 */
export async function readModel(source: Source, options: ReadOnnxOptions = {}): Promise<Model> {
  if (source.length === 0) {
    throw new BoltqError("format", "the file is empty", { file: source.name, remedy: "Give a .bolt or .onnx model" });
  }
  const head = await source.read(0, Math.min(8, source.length));
  return looksLikeBolt(head) ? readBolt(source) : readOnnx(source, options);
}

/** Writes a model in its own format, whole or not at all, and commits the target. */
export async function writeModel(model: Model, target: Target): Promise<void> {
  await writeWhole(target, () => (model.format === "bolt" ? writeBolt(model, target) : writeOnnx(model, target)));
}
