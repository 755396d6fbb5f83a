import { BoltqError } from "../../io/error.ts";
import { createDirectSession } from "../onnxruntime.ts";
import type { ModelPath, Runtime, Session, SessionOptions } from "../runtime.ts";
import { runtimeOf } from "../runtime-of.ts";
import { createWorkerSession } from "../worker-session.ts";
import { startGatedWorker } from "./gated-worker.ts";
import { importOnnxRuntime } from "./import-onnxruntime.ts";
import { installCommand } from "./install-command.ts";

/** Packages without native code, best first. */
const PORTABLE_PACKAGES = ["onnxruntime-web/wasm", "onnxruntime-web"] as const;

/**
 * The runtime that is installed: onnxruntime-node, each session in a worker thread of its own unless asked otherwise, else
 * onnxruntime-web in the calling thread. Throws BoltqError `runtime-missing` when there is none.
 */
export async function loadRuntime(): Promise<Runtime> {
  const ort = await importOnnxRuntime("onnxruntime-node");
  if (ort !== undefined) {
    return {
      name: `onnxruntime-node ${ort.env.versions.common}`,
      placement: "node-worker",
      createSession: (model, options = {}) =>
        options.placement === "direct" ? createDirectSession(ort, model, options) : createThreadSession(model, options),
    };
  }
  for (const name of PORTABLE_PACKAGES) {
    const portable = await importOnnxRuntime(name);
    if (portable !== undefined) return runtimeOf(portable);
  }
  throw new BoltqError(
    "runtime-missing",
    "ONNX Runtime, which runs models, is not installed or has no binary for this machine",
    {
      remedy: `Type: ${installCommand()} (where that does not run either: onnxruntime-web in its place, which is slower)`,
    },
  );
}

const WORKER = new URL("./ort-worker.js", import.meta.url);

function createThreadSession(model: Uint8Array | ModelPath, options: SessionOptions): Promise<Session> {
  const { worker, start } = startGatedWorker(WORKER);
  return createWorkerSession(worker, model, options, start);
}
