import { diffModels, summarizeModel } from "../../../src/report/on-demand.ts";
import type { DiffJob, InspectJob, Say } from "./job.ts";
import { openModel } from "./open-model.ts";

/** Says what a model holds. */
export async function inspect({ files }: InspectJob, say: Say): Promise<void> {
  say({ kind: "progress", step: "reading the weights", done: 0, all: 0 });
  say({ kind: "summary", summary: await summarizeModel(await openModel(files)) });
}

/** Says how two models differ. */
export async function diff({ first, second }: DiffJob, say: Say): Promise<void> {
  say({ kind: "progress", step: "comparing the weights", done: 0, all: 0 });
  const [one, other] = [await openModel(first), await openModel(second)];
  say({ kind: "differences", differences: await diffModels(one, other) });
}
