import type { BoltModel } from "../../bolt/model.ts";
import type { Source } from "../../io/bytes.ts";
import { BoltqError, placed } from "../../io/error.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import type { ReadModelOptions } from "../model-format.ts";
import type { ConvertOptions } from "../onnx-to-bolt/index.ts";
import { netAsBolt } from "./as-bolt.ts";
import { readBlobs } from "./blobs.ts";
import { DESCRIPTION, isDescription, WEIGHTS } from "./files.ts";
import { type CaffeNet, netOf, readDescription } from "./net.ts";
import { netToOnnx } from "./to-onnx.ts";

/** The net of two files as an ONNX model. Throws BoltqError naming the file that is wrong. */
export async function caffeToOnnx(source: Source, options: ReadModelOptions): Promise<OnnxModel> {
  const net = await readCaffe(source, options);
  return placed({ file: net.file }, () => netToOnnx(net));
}

/** The net as Bolt's own reader makes it of the files. Throws BoltqError naming the file that is wrong. */
export async function caffeAsBolt(source: Source, options: ReadModelOptions & ConvertOptions): Promise<BoltModel> {
  const net = await readCaffe(source, options);
  return placed({ file: net.file }, () => netAsBolt(net, options));
}

/** Reads both files of a net. Throws BoltqError naming the file that is wrong. */
async function readCaffe(source: Source, options: ReadModelOptions): Promise<CaffeNet> {
  const head = await source.read(0, Math.min(source.length, 512));
  const given = isDescription(head);
  const other = await companion(source, given ? [DESCRIPTION, WEIGHTS] : [WEIGHTS, DESCRIPTION], options);
  const [description, weights] = given ? [source, other] : [other, source];
  const text = await placed({ file: description.name }, () => readDescription(description));
  const blobs = await placed({ file: weights.name }, () => readBlobs(weights));
  return placed({ file: description.name }, () => netOf(text, blobs, description.name));
}

/** The file of the same name with the other suffix. */
async function companion(
  source: Source,
  [own, wanted]: readonly [string, string],
  { externalData }: ReadModelOptions,
): Promise<Source> {
  const name = source.name.split(/[\\/]/).at(-1)!;
  const other = name.endsWith(own) ? name.slice(0, -own.length) + wanted : `${name}${wanted}`;
  if (externalData === undefined) {
    throw new BoltqError("unsupported", `a Caffe model is two files, and "${other}" is not given`, {
      file: source.name,
      remedy: "Give the folder of the model too",
    });
  }
  try {
    return await externalData(other);
  } catch (error) {
    if (!(error instanceof BoltqError) || error.code !== "not-found") throw error;
    throw new BoltqError("not-found", `a Caffe model is two files, and there is no "${other}" beside this one`, {
      file: source.name,
      remedy: "Put both files into one folder, with the same name but for the suffix",
    });
  }
}
