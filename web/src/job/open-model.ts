import { type Model, readModel } from "../../../src/convert/model-file.ts";
import type { ReadModelOptions } from "../../../src/convert/model-format.ts";
import { blobSource, type Source } from "../../../src/io/bytes.ts";
import { BoltqError } from "../../../src/io/error.ts";
import type { ModelFiles } from "./job.ts";

/** A chosen model as a source, and what opens the files beside it. */
export function modelSource({ model, beside }: ModelFiles): {
  readonly source: Source;
  readonly options: ReadModelOptions;
} {
  const externalData = (location: string): Source => {
    const name = location.split("/").at(-1);
    const file = beside.find((each) => each.name === name);
    if (file !== undefined) return blobSource(file, file.name);
    throw new BoltqError("io", `the file "${location}" with a part of the model is missing`, {
      file: model.name,
      remedy: "Choose it together with the model",
    });
  };
  return { source: blobSource(model, model.name), options: { externalData } };
}

/** Reads a chosen model; its weights stay in the file until they are used. */
export async function openModel(files: ModelFiles): Promise<Model> {
  const { source, options } = modelSource(files);
  return readModel(source, options);
}
