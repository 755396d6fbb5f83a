import type { BoltModel } from "../../../src/bolt/model.ts";
import { readBolt } from "../../../src/bolt/read.ts";
import { writeModel } from "../../../src/convert/model-file.ts";
import { blobSource, type Source } from "../../../src/io/bytes.ts";
import { BoltqError } from "../../../src/io/error.ts";
import { calibrateBolt } from "../../../src/quantize/bolt/calibrate.ts";
import { clipsOfInt8Tensors } from "../../../src/quantize/bolt/clips-of-int8-tensors.ts";
import { convertToBolt } from "../../../src/quantize/bolt/convert-to-bolt.ts";
import { prepareBolt } from "../../../src/quantize/bolt/prepare.ts";
import { type QuantizedBolt, quantizeBolt } from "../../../src/quantize/bolt/quantize.ts";
import { quantizeBoltBest } from "../../../src/quantize/bolt/refine/quantize-best.ts";
import type { Plan } from "../../../src/quantize/plan.ts";
import type { AccuracyStep } from "../../../src/quantize/refine/improve.ts";
import { printScaleTable } from "../../../src/quantize/scale-table.ts";
import { blobTarget } from "./blob-target.ts";
import { openExamples } from "./examples.ts";
import { ptqInputName, stemOf } from "./file-name.ts";
import type { QuantizeJob, Say } from "./job.ts";
import { calibrationProgress, type MadeModel, sayWhatWasDone } from "./made-model.ts";
import { modelSource } from "./open-model.ts";
import { runtime } from "./runtime.ts";

/** Makes a .bolt model, as X2bolt -i PTQ and post_training_quantization do one after the other. */
export async function makeBolt(job: QuantizeJob, say: Say): Promise<MadeModel> {
  const input = await quantizerInput(job, say);
  const { model, suffix, plan, steps = [] } = await quantizeAsAsked(await readBolt(input), job, say);
  say({ kind: "progress", step: "writing", done: 0, all: 0 });
  const name = `${stemOf(job.files.model.name)}_${suffix}`;
  const target = blobTarget(name);
  await writeModel(model, target);
  const blob = target.result();
  say({ kind: "file", file: { name, what: "model", blob } });
  sayWhatWasDone(plan, steps, say);
  if (job.settings.bolt.static && !job.settings.bolt.best) await offerScaleTable(job, await readBolt(input), plan, say);
  return { name, blob, plan, statistics: undefined, openFloat: () => readBolt(input), float: input };
}

/** The chosen .bolt file itself, or what X2bolt makes of another model. */
async function quantizerInput({ files }: QuantizeJob, say: Say): Promise<Source> {
  const { source, options } = modelSource(files);
  if (files.model.name.endsWith(".bolt")) return source;
  say({ kind: "progress", step: "converting", done: 0, all: 0 });
  const converted = await convertToBolt(source, { ...options, precision: "PTQ", name: stemOf(files.model.name) });
  for (const text of converted.notes) say({ kind: "note", text });
  const name = ptqInputName(files.model.name);
  const target = blobTarget(name);
  await writeModel(converted.model, target);
  return blobSource(target.result(), name);
}

async function quantizeAsAsked(
  model: BoltModel,
  { examples, settings: { bolt, pictures } }: QuantizeJob,
  say: Say,
): Promise<QuantizedBolt & { readonly steps?: readonly AccuracyStep[] }> {
  const { inference, storage } = bolt;
  if (!bolt.static && !bolt.best) return quantizeBolt(model, { inference, storage });
  if (examples.length === 0) {
    throw new BoltqError("usage", "there are no examples to find scales on", {
      remedy: "Choose pictures or arrays, or leave out fixed scales and fitting",
    });
  }
  const dataset = await openExamples(model, examples, pictures);
  const options = { inference, storage, runtime: await runtime(), ...calibrationProgress(dataset.length, say) };
  if (bolt.best) return quantizeBoltBest(model, dataset, { ...options, static: bolt.static });
  return calibrateBolt(model, dataset, options);
}

/** The clip values that were found, as -s takes them. */
async function offerScaleTable({ files }: QuantizeJob, model: BoltModel, plan: Plan, say: Say): Promise<void> {
  await prepareBolt(model, plan.bolt);
  const clips = new Map(plan.values.map(({ name, high }) => [name, high]));
  const table = printScaleTable(clipsOfInt8Tensors(model, plan, ({ name }) => clips.get(name) ?? 0));
  const name = `${stemOf(files.model.name)}_scales.json`;
  say({ kind: "file", file: { name, what: "scale table", blob: new Blob([table]) } });
}
