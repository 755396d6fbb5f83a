import { basename } from "node:path";
import { type Model, writeModel } from "../convert/model-file.ts";
import type { CommandFiles } from "./command-files.ts";

/** What `--help` says of the option that the commands share that write ONNX models. */
export const EXTERNAL_DATA_OPTION = [
  "--external-data",
  "write the weights of an ONNX model to a file of their own, OUTPUT_data (above 2 GiB they always go there)",
] as const;

/** Writes the model to `path`, the weights to a file beside it where that is wanted or needed. Returns the files written. */
export async function writeModelFile(
  model: Model,
  path: string,
  files: CommandFiles,
  externalData = false,
): Promise<string[]> {
  const [data, written] = [`${path}_data`, [path]];
  const open = () => {
    written.push(data);
    return files.target(data);
  };
  await writeModel(model, files.target(path), {
    externalData: { location: basename(data), open, always: externalData },
  });
  return written;
}
