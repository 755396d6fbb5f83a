import { type Model, readModel } from "../convert/model-file.ts";
import { folderExternalData } from "../io/node/external-data.ts";
import { fileSource } from "../io/node/file-source.ts";

/** Reads the model file that an argument names. External data is looked for in the model's folder. */
export async function openModel(path: string): Promise<Model> {
  return readModel(fileSource(path), { externalData: folderExternalData(path) });
}
