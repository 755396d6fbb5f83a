import { expect, it } from "vitest";
import type { JobMessage } from "./job/job.ts";
import { cancelled, heard, waitingRun } from "./runs.ts";

const waiting = waitingRun({ model: new File([], "a.onnx"), beside: [] }, "boltq");
const after = (...messages: JobMessage[]) => messages.reduce(heard, waiting);
const made = { name: "a_int8.onnx", what: "model", blob: new Blob() } as const;

it("keeps what was said, and is done at the end", () => {
  const run = after(
    { kind: "progress", step: "calibrating", done: 1, all: 2 },
    { kind: "note", text: "one" },
    { kind: "file", file: made },
    { kind: "note", text: "two" },
    { kind: "done" },
  );
  expect(run).toMatchObject({ state: "done", progress: undefined, notes: ["one", "two"], made: [made] });
});

it("keeps a model that was made before something failed", () => {
  const run = after({ kind: "file", file: made }, { kind: "failed", message: "no memory" });
  expect(run).toMatchObject({ state: "failed", failure: "no memory", made: [made] });
});

it("stops what goes on or waits, and nothing that is over", () => {
  expect(cancelled(waiting).state).toBe("cancelled");
  expect(cancelled(after({ kind: "progress", step: "reading", done: 0, all: 0 }))).toMatchObject({
    state: "cancelled",
    progress: undefined,
  });
  expect(cancelled(after({ kind: "done" })).state).toBe("done");
});
