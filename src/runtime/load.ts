import { BoltqError } from "../io/error.ts";
import { createDirectSession, type OnnxRuntimeModule } from "./onnxruntime.ts";
import type { Runtime } from "./runtime.ts";

/** Packages that can run models in a browser and in Node, best first. */
const PORTABLE_PACKAGES = ["onnxruntime-web/wasm", "onnxruntime-web"] as const;

/**
 * The runtime that is installed: in Node onnxruntime-node in a worker thread, else onnxruntime-web in the calling
 * thread. Throws BoltqError `runtime-missing` when there is none.
 */
export async function loadRuntime(): Promise<Runtime> {
  if (runsInNode()) {
    const { loadNodeRuntime } = await import("./node/node-runtime.ts");
    const runtime = await loadNodeRuntime();
    if (runtime !== undefined) return runtime;
  }
  return loadWebRuntime();
}

async function loadWebRuntime(): Promise<Runtime> {
  for (const name of PORTABLE_PACKAGES) {
    const ort = await importIfInstalled(name);
    if (ort !== undefined) return runtimeOf(ort);
  }
  throw new BoltqError("runtime-missing", "ONNX Runtime is not installed, so no model can be run", {
    remedy: "Install it: ONNXRUNTIME_NODE_INSTALL=skip npm i onnxruntime-node (or, slower, npm i onnxruntime-web)",
  });
}

/** A runtime over an onnxruntime-web module that the caller has loaded and set up; it runs in the calling thread. */
export function runtimeOf(ort: OnnxRuntimeModule): Runtime {
  return {
    name: `onnxruntime-web ${ort.env.versions.common}`,
    inThreads: false,
    createSession: (model, options) => createDirectSession(ort, model, options),
  };
}

/** The specifier is a variable so that bundlers leave it alone: the package is optional. */
async function importIfInstalled(specifier: string): Promise<OnnxRuntimeModule | undefined> {
  try {
    const module: { default?: OnnxRuntimeModule } & OnnxRuntimeModule = await import(/* @vite-ignore */ specifier);
    return module.InferenceSession === undefined ? module.default : module;
  } catch {
    return undefined;
  }
}

function runsInNode(): boolean {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  return process?.versions?.node !== undefined;
}
