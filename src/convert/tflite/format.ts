import { placed } from "../../io/error.ts";
import type { ModelFormat } from "../model-format.ts";
import { graphAsBolt } from "./as-bolt.ts";
import { readTflite } from "./read.ts";
import { tfliteToOnnx } from "./to-onnx.ts";

/** TensorFlow Lite: a FlatBuffers file with the mark TFL3. */
export const TFLITE_FORMAT: ModelFormat = {
  name: "TFLite",
  suffixes: [".tflite"],
  match: (head) => new TextDecoder().decode(head.subarray(4, 8)) === "TFL3",
  read: (source) => placed({ file: source.name }, async () => tfliteToOnnx(await readTflite(source))),
  lowerAsBolt: (source, options) =>
    placed({ file: source.name }, async () => graphAsBolt(await readTflite(source), options)),
};
