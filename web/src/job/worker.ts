import { BoltqError } from "../../../src/io/error.ts";
import type { Job, JobMessage, Say } from "./job.ts";

/** What does each kind of job; loaded when one is asked for. */
const JOBS: { readonly [Kind in Job["kind"]]: () => Promise<(job: never, say: Say) => Promise<void>> } = {
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
  const run = await JOBS[job.kind]();
  await run(job as never, say);
}

/** One sentence for people. */
function describe(error: unknown): string {
  if (error instanceof BoltqError) return error.message;
  if (error instanceof RangeError) return `This tab has no memory left for it (${error.message}): try a smaller model`;
  return `Internal error: ${error instanceof Error ? error.message : String(error)}`;
}
