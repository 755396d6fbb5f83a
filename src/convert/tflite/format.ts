import { placed } from "../../io/error.ts";
import type { ModelFormat } from "../model-format.ts";

/** TensorFlow Lite: a FlatBuffers file with the mark TFL3. */
export const TFLITE_FORMAT: ModelFormat = {
  name: "TFLite",
  suffixes: [".tflite"],
  match: (head) => new TextDecoder().decode(head.subarray(4, 8)) === "TFL3",
  read: (source) =>
    placed({ file: source.name }, async () => {
      const [{ readTflite }, { tfliteToOnnx }] = await Promise.all([import("./read.ts"), import("./to-onnx.ts")]);
      return tfliteToOnnx(await readTflite(source));
    }),
  lowerAsBolt: (source, options) =>
    placed({ file: source.name }, async () => {
      const [{ readTflite }, { graphAsBolt }] = await Promise.all([import("./read.ts"), import("./as-bolt.ts")]);
      return graphAsBolt(await readTflite(source), options);
    }),
};
