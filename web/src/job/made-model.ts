import type { Statistics } from "../../../src/calibrate/statistics.ts";
import type { Model } from "../../../src/convert/model-file.ts";
import type { Source } from "../../../src/io/bytes.ts";
import type { Plan } from "../../../src/quantize/plan.ts";
import type { AccuracyStep } from "../../../src/quantize/refine/improve.ts";
import { describeStep } from "../../../src/report/describe-step.ts";
import { summarizePlan } from "../../../src/report/summarize-plan.ts";
import { warningLines } from "../../../src/report/warning-lines.ts";
import type { Say } from "./job.ts";

/** A quantized model as a file, and the float one that it is compared with. */
export interface MadeModel {
  readonly name: string;
  readonly blob: Blob;
  readonly plan: Plan;
  /** What was seen of the float model's values, where it was calibrated. */
  readonly statistics: Statistics | undefined;
  /** Reads the float model anew: quantizing uses models up. */
  readonly openFloat: () => Promise<Model>;
  readonly float: Pick<Source, "name" | "length">;
}

/** Tells what was done and what must be known of it. */
export function sayWhatWasDone(plan: Plan, steps: readonly AccuracyStep[], say: Say): void {
  const warnings = warningLines(plan.warnings, "the plan has all").map((line) => `Warning: ${line}`);
  const accuracy = steps.map((step) => `Accuracy: ${describeStep(step)}`);
  for (const text of [...summarizePlan(plan), ...plan.notes, ...accuracy, ...warnings]) say({ kind: "note", text });
}

/** What calibrating says while it goes on. */
export function calibrationProgress(examples: number, say: Say) {
  return {
    onProgress: (done: number) => say({ kind: "progress", step: "calibrating", done, all: examples }),
    onFit: (done: number, all: number) => say({ kind: "progress", step: "fitting layers", done, all }),
    onSkip: (name: string, reason: string) => say({ kind: "note", text: `Left out: ${name} (${reason})` }),
    onWarning: (text: string) => say({ kind: "note", text: `Warning: ${text}` }),
  };
}
