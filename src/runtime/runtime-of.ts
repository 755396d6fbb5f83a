import { createDirectSession } from "./onnxruntime.ts";
import type { OnnxRuntimeModule } from "./onnxruntime-module.ts";
import type { Runtime } from "./runtime.ts";

/**
 * A runtime over an onnxruntime-web module that the caller has loaded and set up, such as
 * `import * as ort from "onnxruntime-web/wasm"`. It runs in the calling thread, which it blocks meanwhile.
 */
export function runtimeOf(ort: OnnxRuntimeModule): Runtime {
  return {
    name: `onnxruntime-web ${ort.env.versions.common}`,
    placement: "direct",
    createSession: (model, options) => createDirectSession(ort, model, options),
  };
}
