import type { Model } from "../../../src/convert/model-file.ts";
import { modelInputs } from "../../../src/convert/model-inputs.ts";
import type { Dataset } from "../../../src/data/dataset.ts";
import { openBlobs } from "../../../src/data/open-blobs.ts";
import type { PictureSettings } from "./job.ts";

/** The chosen examples as inputs of a model. */
export function openExamples(model: Model, files: readonly File[], pictures: PictureSettings): Promise<Dataset> {
  const { preprocessing, size } = pictures;
  return openBlobs(files, modelInputs(model), { preprocessing, ...(size === undefined ? {} : { size }) });
}
