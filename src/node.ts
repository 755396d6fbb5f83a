/** Everything of `index.ts`, and what needs files: the package as Node sees it. */

import { basename } from "node:path";
import { type Model, readModel, writeModel } from "./convert/model-file.ts";
import { folderExternalData } from "./io/node/external-data.ts";
import { fileSource } from "./io/node/file-source.ts";
import { fileTarget } from "./io/node/file-target.ts";

export { decodeImage } from "./data/image/node/decoders.ts";
export { type OpenDatasetOptions, openDataset } from "./data/node/open-dataset.ts";
export { openTokenizer, tokenizerBeside } from "./data/tokens/node/open-tokenizer.ts";
export * from "./index.ts";
export { folderExternalData } from "./io/node/external-data.ts";
export { type FileSource, fileSource } from "./io/node/file-source.ts";
export { fileTarget } from "./io/node/file-target.ts";

/**
 * Opens a model file: .bolt, .onnx, or .caffemodel with its .prototxt beside it. Its weights are read when they are used: the file must stay as it is until then. Throws
 * BoltqError `not-found`, `io` or `format`.
 */
export async function openModelFile(path: string): Promise<Model> {
  return readModel(fileSource(path), { externalData: folderExternalData(path) });
}

/** Writes a model file, whole or not at all. What an ONNX file has no room for (2 GiB) goes to `path` with "_data" at its end. */
export async function saveModelFile(model: Model, path: string): Promise<void> {
  const data = `${path}_data`;
  await writeModel(model, fileTarget(path), {
    externalData: { location: () => basename(data), open: () => fileTarget(data) },
  });
}
