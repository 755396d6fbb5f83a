import type { Source } from "../../io/bytes.ts";
import { BoltqError, placed } from "../../io/error.ts";
import type { ModelFormat, ReadModelOptions } from "../model-format.ts";
import { netAsBolt } from "./as-bolt.ts";
import { readBlobs } from "./blobs.ts";
import { type CaffeNet, netOf, readDescription } from "./net.ts";
import { netToOnnx } from "./to-onnx.ts";

const WEIGHTS = ".caffemodel";
const DESCRIPTION = ".prototxt";

/** Caffe: NAME.caffemodel with the weights, and beside it NAME.prototxt, which says what the net is. Either may be given. */
export const CAFFE_FORMAT: ModelFormat = {
  name: "Caffe",
  suffixes: [WEIGHTS, DESCRIPTION],
  match: (head) => isWeights(head) || isDescription(head),
  read: async (source, options) => {
    const net = await readCaffe(source, options);
    return placed({ file: net.file }, () => netToOnnx(net));
  },
  lowerAsBolt: async (source, options) => {
    const net = await readCaffe(source, options);
    return placed({ file: net.file }, () => netAsBolt(net, options));
  },
};

/** Reads both files of a net. Throws BoltqError naming the file that is wrong. */
export async function readCaffe(source: Source, options: ReadModelOptions): Promise<CaffeNet> {
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

/** A NetParameter: its name, or its first layer (of today, or old: there the next byte is no letter). */
function isWeights(head: Uint8Array): boolean {
  if (head[0] === 0x0a) return true;
  if (head[0] === 0xa2 && head[1] === 0x06) return true;
  const afterLength = head.findIndex((byte, index) => index > 0 && byte < 0x80) + 1;
  return head[0] === 0x12 && afterLength > 0 && head[afterLength]! < 0x30;
}

/** Text whose first field is one of a NetParameter. */
function isDescription(head: Uint8Array): boolean {
  const text = new TextDecoder().decode(head);
  return /^(\ufeff|\s|#[^\n]*(\n|$))*(name|layers?|input(_dim|_shape)?|output|force_backward|state|debug_info)\s*[:{]/.test(
    text,
  );
}
