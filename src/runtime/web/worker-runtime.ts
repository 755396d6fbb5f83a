import { ownWebPort, webWorker } from "../../io/web/web-worker.ts";
import { createDirectSession } from "../onnxruntime.ts";
import type { OnnxRuntimeModule } from "../onnxruntime-module.ts";
import type { Runtime } from "../runtime.ts";
import { serveSession } from "../serve-session.ts";
import type { SessionStart } from "../session-messages.ts";
import { createWorkerSession } from "../worker-session.ts";

/**
 * A runtime whose sessions each run in a worker of their own, so that the page stays free. `start` starts such a worker: a
 * module worker of `boltq/worker`, or of a file that calls `serveRuntime`.
 */
export function workerRuntime(start: () => Worker): Runtime {
  return {
    name: "onnxruntime-web in workers",
    placement: "web-worker",
    createSession: (model, options = {}) => createWorkerSession(webWorker(start()), model, options, {}),
  };
}

/** Makes the worker that calls this run sessions for a `workerRuntime`. `load` gives onnxruntime-web, set up as it is to be. */
export function serveRuntime(load: () => Promise<OnnxRuntimeModule>): void {
  serveSession<SessionStart>(ownWebPort(), async ({ model, options }) =>
    createDirectSession(await load(), model, options),
  );
}
