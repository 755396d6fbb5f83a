import { type Model, readModel } from "../convert/model-file.ts";
import type { ReadModelOptions } from "../convert/model-format.ts";
import type { Source } from "../io/bytes.ts";
import { folderExternalData } from "../io/node/external-data.ts";
import { fileSource } from "../io/node/file-source.ts";
import type { CommandFiles } from "./command-files.ts";

/** A model file that an argument names, and what opens the files beside it. */
export interface ModelArgument {
  readonly source: Source;
  readonly externalData: (location: string) => Source;
}

/**
 * Opens the model file that an argument names. External data is looked for in the model's folder; the files that it turns
 * out to be in are declared to `files`. A command that writes nothing has none.
 */
export function modelArgument(path: string, files?: CommandFiles): ModelArgument {
  files?.read(path);
  const open = folderExternalData(path);
  const externalData = (location: string) => {
    const source = open(location);
    files?.read(source.name, path);
    return source;
  };
  return { source: fileSource(path), externalData };
}

/** Reads the model that an argument names; see `modelArgument`. `inputShapes` are those that it may leave open. */
export async function openModel(
  path: string,
  files?: CommandFiles,
  inputShapes?: ReadModelOptions["inputShapes"],
): Promise<Model> {
  const { source, externalData } = modelArgument(path, files);
  return readModel(source, { externalData, inputShapes });
}
