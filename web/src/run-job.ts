import type { Job, JobMessage } from "./job/job.ts";

/** Starts a worker for a job. What is returned ends it at once, whatever it is doing: nothing is heard of it any more. */
export function runJob(job: Job, hear: (message: JobMessage) => void): () => void {
  const worker = new Worker(new URL("./job/worker.ts", import.meta.url), { type: "module" });
  const end = () => {
    worker.onmessage = null;
    worker.onerror = null;
    worker.terminate();
  };
  worker.onmessage = ({ data }: MessageEvent<JobMessage>) => {
    if (data.kind === "done" || data.kind === "failed") end();
    hear(data);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    end();
    hear({ kind: "failed", message: `The work stopped (${event.message || "its program could not be loaded"})` });
  };
  worker.postMessage(job);
  return end;
}
