import { BoltqError } from "../../../src/io/error.ts";
import type { Job, JobMessage, Say } from "./job.ts";

type Work<Kind extends Job> = (job: Kind, say: Say) => Promise<void>;

/** What does each kind of job; loaded when one is asked for. */
const JOBS: { readonly [Kind in Job["kind"]]: () => Promise<Work<Extract<Job, { kind: Kind }>>> } = {
  quantize: async () => (await import("./quantize.ts")).quantize,
  preview: async () => (await import("./preview.ts")).preview,
  inspect: async () => (await import("./look.ts")).inspect,
  diff: async () => (await import("./look.ts")).diff,
};

const say: Say = (message: JobMessage) => self.postMessage(message);

self.addEventListener("message", ({ data }: MessageEvent<Job>) => {
  work(data).then(
    () => say({ kind: "done" }),
    (error: unknown) => say({ kind: "failed", message: describe(error) }),
  );
});

async function work(job: Job): Promise<void> {
  const run = (await JOBS[job.kind]()) as Work<Job>; // the table has it by the job's own kind
  await run(job, say);
}

/** One sentence for people. */
function describe(error: unknown): string {
  if (error instanceof BoltqError) return error.message;
  if (error instanceof RangeError) return `This tab has no memory left for it (${error.message}): try a smaller model`;
  return `Internal error: ${error instanceof Error ? error.message : String(error)}`;
}
