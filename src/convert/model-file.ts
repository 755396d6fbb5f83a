import { looksLikeBolt, readBolt } from "../bolt/read.ts";
import { writeBolt } from "../bolt/write.ts";
import type { Source } from "../io/bytes.ts";
import { type Target, writeWhole } from "../io/target.ts";
import { readOnnx } from "../onnx/read.ts";
import { type ExternalFiles, needsExternalData, writeOnnx } from "../onnx/write.ts";
import { CAFFE_FORMAT } from "./caffe/format.ts";
import { type Model, type ModelFormat, type ReadModelOptions, readModelAs } from "./model-format.ts";
import { TENSORFLOW_FORMAT } from "./tensorflow/format.ts";
import { TFLITE_FORMAT } from "./tflite/format.ts";

export type { Model } from "./model-format.ts";

/** Bolt's own file: it begins with a magic number and the version. */
export const BOLT_FORMAT: ModelFormat = {
  name: "Bolt",
  suffixes: [".bolt"],
  match: looksLikeBolt,
  read: (source) => readBolt(source),
};

/** Protobuf does not say what it is: any first field of a ModelProto counts. */
export const ONNX_FORMAT: ModelFormat = {
  name: "ONNX",
  suffixes: [".onnx"],
  match: ([first = 0]) => [0x08, 0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72, 0xca].includes(first),
  read: readOnnx,
};

/** Every kind of model file, in the order in which a file is tried: ONNX, which is told least surely, comes last. */
export const MODEL_FORMATS: readonly ModelFormat[] = [
  BOLT_FORMAT,
  TFLITE_FORMAT,
  TENSORFLOW_FORMAT,
  CAFFE_FORMAT,
  ONNX_FORMAT,
];

/**
 * Reads a model file of any known kind. Weights stay in the source until they are used. Throws BoltqError `format` when
 * it is of none, or damaged.
 */
export async function readModel(source: Source, options: ReadModelOptions = {}): Promise<Model> {
  return readModelAs(MODEL_FORMATS, source, options);
}

/** What lies beside the file of a model that is written. */
export interface WriteModelOptions {
  /** Where an ONNX model's weights go when they do not fit into its file. Without it such a model is refused. */
  readonly externalData?: ExternalDataOutput;
}

/** Files for the weights of an ONNX model, beside it: one, or several where each has a greatest size. */
export interface ExternalDataOutput extends ExternalFiles {
  /** Put the weights there also where they would fit. Default false. */
  readonly always?: boolean;
}

/** Writes a model in its own format, whole or not at all, and commits the targets. */
export async function writeModel(
  model: Model,
  target: Target,
  { externalData }: WriteModelOptions = {},
): Promise<void> {
  if (model.format === "bolt") return writeWhole(target, () => writeBolt(model, target));
  if (externalData === undefined || !(externalData.always || needsExternalData(model)))
    return writeWhole(target, () => writeOnnx(model, target));
  const opened: Target[] = [];
  const open = (index: number) => {
    const data = externalData.open(index);
    opened.push(data);
    return data;
  };
  // The data is put in place first: a model is never there without it.
  await writeWhole(target, async () => {
    try {
      await writeOnnx(model, target, { externalData: { ...externalData, open } });
      for (const data of opened) await data.commit();
    } catch (error) {
      for (const data of opened) await data.abort();
      throw error;
    }
  });
}
