import { BoltqError } from "../../io/error.ts";
import type { ModelFormat } from "../model-format.ts";
import { readTflite } from "./read.ts";
import { tfliteToOnnx } from "./to-onnx.ts";

/** TensorFlow Lite: a FlatBuffers file with the mark TFL3. */
export const TFLITE_FORMAT: ModelFormat = {
  name: "TFLite",
  suffixes: [".tflite"],
  match: (head) => new TextDecoder().decode(head.subarray(4, 8)) === "TFL3",
  read: async (source) => {
    try {
      return await tfliteToOnnx(await readTflite(source));
    } catch (error) {
      throw error instanceof BoltqError ? error.within({ file: source.name }) : error;
    }
  },
  lowerAsBolt: async ({ name }) => {
    throw new BoltqError("unsupported", "what Bolt's own X2bolt makes of TFLite models is not known here", {
      file: name,
      remedy: "Convert without --as-bolt",
    });
  },
};
