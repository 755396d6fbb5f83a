import type { ReportCard } from "../../src/report/html/report-data.ts";
import type { JobMessage, MadeFile, ModelFiles } from "./job/job.ts";

/** What became of one model. */
export interface Run {
  readonly files: ModelFiles;
  readonly state: "waiting" | "running" | "done" | "failed" | "cancelled";
  readonly progress: { readonly step: string; readonly done: number; readonly all: number } | undefined;
  readonly notes: readonly string[];
  readonly made: readonly MadeFile[];
  readonly card: ReportCard | undefined;
  /** Why it failed. */
  readonly failure: string | undefined;
  /** The command that makes the same. */
  readonly command: string;
}

/** A run that is yet to begin. */
export function waitingRun(files: ModelFiles, command: string): Run {
  return {
    files,
    state: "waiting",
    progress: undefined,
    notes: [],
    made: [],
    card: undefined,
    failure: undefined,
    command,
  };
}

/** The run after its worker said something. */
export function heard(run: Run, message: JobMessage): Run {
  switch (message.kind) {
    case "progress":
      return { ...run, state: "running", progress: message };
    case "note":
      return { ...run, notes: [...run.notes, message.text] };
    case "file":
      return { ...run, made: [...run.made, message.file] };
    case "card":
      return { ...run, card: message.card };
    case "done":
      return { ...run, state: "done", progress: undefined };
    case "failed":
      return { ...run, state: "failed", progress: undefined, failure: message.message };
    default:
      return run;
  }
}

/** The run when the user stopped it, or those before it. */
export function cancelled(run: Run): Run {
  return run.state === "waiting" || run.state === "running" ? { ...run, state: "cancelled", progress: undefined } : run;
}
