import { basename } from "node:path";
import { type Model, writeModel } from "../convert/model-file.ts";
import type { CommandFiles } from "./command-files.ts";

/** What `--help` says of the option that the commands share that write ONNX models. */
export const EXTERNAL_DATA_OPTION = [
  "--external-data",
  "write the weights of an ONNX model to a file of their own, OUTPUT_data (above 2 GiB they always go there)",
] as const;

/** Where a model's weights go when they do not go into its file. */
export interface ExternalDataChoice {
  /** Put them there also where they would fit. Default false. */
  readonly always?: boolean | undefined;
  /** Bytes that a file of weights has at most: more go to PATH_data_1 and so on. Default: any number. */
  readonly mostBytes?: number;
}

/** Writes the model to `path`, the weights to files beside it where that is wanted or needed. Returns the files written. */
export async function writeModelFile(
  model: Model,
  path: string,
  files: CommandFiles,
  { always = false, mostBytes }: ExternalDataChoice = {},
): Promise<string[]> {
  const written = [path];
  const dataPath = (index: number) => `${path}_data${index === 0 ? "" : `_${index}`}`;
  const open = (index: number) => {
    written.push(dataPath(index));
    return files.target(dataPath(index));
  };
  await writeModel(model, files.target(path), {
    externalData: { location: (index) => basename(dataPath(index)), open, mostBytes, always },
  });
  return written;
}
