import type { ModelFormat } from "../model-format.ts";
import { DESCRIPTION, isDescription, isWeights, WEIGHTS } from "./files.ts";

/** Caffe: NAME.caffemodel with the weights, and beside it NAME.prototxt, which says what the net is. Either may be given. */
export const CAFFE_FORMAT: ModelFormat = {
  name: "Caffe",
  suffixes: [WEIGHTS, DESCRIPTION],
  match: (head) => isWeights(head) || isDescription(head),
  read: async (source, options) => (await import("./read.ts")).caffeToOnnx(source, options),
  lowerAsBolt: async (source, options) => (await import("./read.ts")).caffeAsBolt(source, options),
};
