import { type Model, readModel } from "../convert/model-file.ts";
import { folderExternalData } from "../io/node/external-data.ts";
import { fileSource } from "../io/node/file-source.ts";
import type { CommandFiles } from "./command-files.ts";

/**
 * Reads the model file that an argument names. External data is looked for in the model's folder; the files that it turns
 * out to be in are declared to `files`. A command that writes nothing has none.
 */
export async function openModel(path: string, files?: CommandFiles): Promise<Model> {
  files?.read(path);
  const open = folderExternalData(path);
  const externalData = (location: string) => {
    const source = open(location);
    files?.read(source.name, path);
    return source;
  };
  return readModel(fileSource(path), { externalData });
}
