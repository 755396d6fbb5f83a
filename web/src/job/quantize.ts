import { printPlanFile } from "../../../src/quantize/plan-file.ts";
import { stemOf } from "./file-name.ts";
import type { QuantizeJob, Say } from "./job.ts";
import { measure, recipeText } from "./measure.ts";

/** Makes the quantized model, offers it, then measures what it costs. */
export async function quantize(job: QuantizeJob, say: Say): Promise<void> {
  say({ kind: "progress", step: "reading", done: 0, all: 0 });
  const made = await make(job, say);
  const stem = stemOf(made.name);
  if (made.plan.format === "onnx") {
    const blob = new Blob([recipeText(job.settings.onnx.recipe)]);
    say({ kind: "file", file: { name: `${stem}_recipe.json`, what: "recipe", blob } });
  }
  const plan = new Blob([printPlanFile(made.plan)]);
  say({ kind: "file", file: { name: `${stem}_plan.json`, what: "plan", blob: plan } });
  await measure(job, made, say);
}

async function make(job: QuantizeJob, say: Say) {
  if (job.settings.target === "bolt") return (await import("./make-bolt.ts")).makeBolt(job, say);
  return (await import("./make-onnx.ts")).makeOnnx(job, say);
}
