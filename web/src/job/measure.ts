import manifest from "../../../package.json";
import { readModel } from "../../../src/convert/model-file.ts";
import { firstSamples, type Sample } from "../../../src/data/dataset.ts";
import { compareModels } from "../../../src/evaluate/compare.ts";
import { blobSource } from "../../../src/io/bytes.ts";
import { recipeNamed } from "../../../src/quantize/recipe.ts";
import { ChangedAnswers } from "../../../src/report/gather/changed-answers.ts";
import { reportOf } from "../../../src/report/gather/report-of-comparison.ts";
import { shrunk } from "../../../src/report/gather/thumbnail.ts";
import { reportHtml } from "../../../src/report/html/report.ts";
import { commandOf } from "../command.ts";
import { openExamples } from "./examples.ts";
import { stemOf } from "./file-name.ts";
import type { QuantizeJob, Say } from "./job.ts";
import type { MadeModel } from "./made-model.ts";
import { dataUrl, pngOf } from "./picture.ts";
import { imageOf } from "./preview.ts";
import { runtime } from "./runtime.ts";

/** So many examples show where a model loses. */
const COMPARED_EXAMPLES = 16;

/** Of larger models the values inside are not kept beside the two sessions. */
const MOST_LAYERED_BYTES = 1 << 27;

/** Runs both models on the first examples, and reports: before and after, and the page that says all. */
export async function measure(job: QuantizeJob, made: MadeModel, say: Say): Promise<void> {
  const { settings, examples } = job;
  const bytes = [made.float.length, made.blob.size] as const;
  say({ kind: "card", card: { names: [made.float.name, made.name], bytes } });
  const openMade = () => readModel(blobSource(made.blob, made.name));
  const changed = new ChangedAnswers(async (sample: Sample) => {
    const image = imageOf(sample, settings.pictures.preprocessing);
    return image && dataUrl(await pngOf(shrunk(image)));
  });
  const comparison =
    examples.length === 0
      ? undefined
      : await compareModels(await made.openFloat(), await openMade(), await firstExamples(job, made), {
          names: [made.float.name, made.name],
          layers: made.float.length <= MOST_LAYERED_BYTES,
          runtime: await runtime(),
          onSample: changed.add,
          onProgress: (done) =>
            say({ kind: "progress", step: "comparing", done, all: Math.min(examples.length, COMPARED_EXAMPLES) }),
        });
  say({ kind: "progress", step: "writing the report", done: 0, all: 0 });
  const data = await reportOf({
    title: made.name,
    made: {
      command: commandOf(job.files.model.name, settings, examples.length > 0),
      versions: `boltq ${manifest.version} in a browser`,
      recipe: settings.target === "bolt" ? undefined : recipeText(settings.onnx.recipe),
    },
    models: [await made.openFloat(), await openMade()],
    names: [made.float.name, made.name],
    bytes,
    comparison,
    examples: await changed.result(),
    plan: made.plan,
    statistics: made.statistics,
  });
  if (data.card !== undefined) say({ kind: "card", card: data.card });
  const name = `${stemOf(made.name)}_report.html`;
  const blob = new Blob([reportHtml(data)], { type: "text/html" });
  say({ kind: "file", file: { name, what: "report", blob } });
}

async function firstExamples({ examples, settings }: QuantizeJob, made: MadeModel) {
  return firstSamples(await openExamples(await made.openFloat(), examples, settings.pictures), COMPARED_EXAMPLES);
}

/** A ready-made recipe as JSON. */
export function recipeText(name: string): string {
  return `${JSON.stringify(recipeNamed(name), null, 2)}\n`;
}
