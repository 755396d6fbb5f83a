import { findRange } from "../../../src/calibrate/find-range.ts";
import type { Statistics } from "../../../src/calibrate/statistics.ts";
import { writeModel } from "../../../src/convert/model-file.ts";
import { BoltqError } from "../../../src/io/error.ts";
import type { OnnxModel } from "../../../src/onnx/model.ts";
import { clipsOfRanges } from "../../../src/quantize/onnx/clips-of-ranges.ts";
import { planObservation } from "../../../src/quantize/onnx/observation.ts";
import { quantizeOnnx } from "../../../src/quantize/onnx/quantize-onnx.ts";
import type { Plan } from "../../../src/quantize/plan.ts";
import { isStatic, type Recipe, recipeNamed } from "../../../src/quantize/recipe.ts";
import { printScaleTable } from "../../../src/quantize/scale-table.ts";
import { blobTarget } from "./blob-target.ts";
import { openExamples } from "./examples.ts";
import { quantizedOnnxName, stemOf } from "./file-name.ts";
import type { QuantizeJob, Say } from "./job.ts";
import { calibrationProgress, type MadeModel, sayWhatWasDone } from "./made-model.ts";
import { openModel } from "./open-model.ts";
import { runtime } from "./runtime.ts";

/** Makes an ONNX model for ONNX Runtime, as `boltq quantize` does. */
export async function makeOnnx(job: QuantizeJob, say: Say): Promise<MadeModel> {
  const { files, examples, settings } = job;
  const recipe = recipeNamed(settings.onnx.recipe);
  const model = await openOnnx(job);
  if (isStatic(recipe) && examples.length === 0) {
    throw new BoltqError("usage", "int8 activations need examples: pictures or arrays as the network will see them", {
      remedy: "Choose some, 32 or more, or a precision that needs none (int8-dynamic, float16, int4-blocks, …)",
    });
  }
  const dataset = examples.length === 0 ? undefined : await openExamples(model, examples, settings.pictures);
  const { plan, steps, statistics } = await quantizeOnnx(model, {
    name: files.model.name,
    recipe,
    target: settings.target,
    effort: settings.onnx.effort,
    dataset,
    ...(dataset === undefined ? {} : { runtime: await runtime() }),
    ...calibrationProgress(dataset?.length ?? 0, say),
  });
  say({ kind: "progress", step: "writing", done: 0, all: 0 });
  const name = quantizedOnnxName(files.model.name, settings.onnx.recipe);
  const target = blobTarget(name);
  await writeModel(model, target);
  const blob = target.result();
  say({ kind: "file", file: { name, what: "model", blob } });
  sayWhatWasDone(plan, steps ?? [], say);
  if (statistics !== undefined) await offerScaleTable(job, recipe, plan, statistics, say);
  return { name, blob, plan, statistics, openFloat: () => openModel(files), float: sizeOf(job) };
}

/** Bytes of all files that the float model is in. */
function sizeOf({ files: { model, beside } }: QuantizeJob): MadeModel["float"] {
  return { name: model.name, length: [model, ...beside].reduce((sum, { size }) => sum + size, 0) };
}

async function openOnnx({ files }: QuantizeJob): Promise<OnnxModel> {
  const model = await openModel(files);
  if (model.format === "onnx") return model;
  throw new BoltqError("usage", "a .bolt model runs in Bolt alone", {
    file: files.model.name,
    remedy: "Choose Bolt as the target",
  });
}

/** The clip values as `boltq calibrate --table` has them; of a model whose channels were scaled they would be wrong. */
async function offerScaleTable(
  job: QuantizeJob,
  recipe: Recipe,
  plan: Plan,
  { values }: Statistics,
  say: Say,
): Promise<void> {
  if ((plan.channelScalings ?? []).length > 0) return;
  const model = await openOnnx(job);
  const { placement } = await planObservation(model, recipe);
  const clips = clipsOfRanges(model, placement, (name) => {
    const seen = values.get(name);
    return seen === undefined
      ? undefined
      : findRange(seen, recipe.activations?.method ?? "mse", { symmetric: true }).high;
  });
  const name = `${stemOf(job.files.model.name)}_scales.json`;
  say({ kind: "file", file: { name, what: "scale table", blob: new Blob([printScaleTable(clips)]) } });
}
