import { createDirectSession } from "../onnxruntime.ts";
import type { Runtime } from "../runtime.ts";
import { importOnnxRuntimeNode } from "./import-onnxruntime.ts";
import { createWorkerSession } from "./worker-session.ts";

/** onnxruntime-node, each session in a worker thread of its own unless asked otherwise; undefined if not installed. */
export async function loadNodeRuntime(): Promise<Runtime | undefined> {
  const ort = await importOnnxRuntimeNode();
  if (ort === undefined) return undefined;
  return {
    name: `onnxruntime-node ${ort.env.versions.common}`,
    inThreads: true,
    createSession: (model, options = {}) =>
      options.placement === "direct" ? createDirectSession(ort, model, options) : createWorkerSession(model, options),
  };
}
