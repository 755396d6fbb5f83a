import type { OnnxRuntimeModule } from "../../../src/runtime/onnxruntime-module.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { runtimeOf } from "../../../src/runtime/runtime-of.ts";

let loaded: Promise<Runtime> | undefined;

/** ONNX Runtime, on one thread: loaded when a model must be run, and no sooner. */
export function runtime(): Promise<Runtime> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Runtime> {
  const [ort, { default: wasm }] = await Promise.all([
    import("onnxruntime-web/wasm"),
    import("onnxruntime-web/ort-wasm-simd-threaded.wasm?url"),
  ]);
  ort.env.wasm.wasmPaths = { wasm };
  ort.env.wasm.numThreads = 1;
  return runtimeOf(ort as OnnxRuntimeModule);
}
