import { BoltqError } from "../../../src/io/error.ts";
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
  ort.env.wasm.wasmBinary = await fetched(wasm);
  ort.env.wasm.numThreads = 1;
  return runtimeOf(ort as OnnxRuntimeModule);
}

/** Fetched here, as ONNX Runtime itself would say no more than that all its ways have failed. */
async function fetched(url: string): Promise<ArrayBuffer> {
  const response = await fetch(url).catch(() => undefined);
  if (response?.ok) return response.arrayBuffer();
  throw new BoltqError("runtime-missing", "ONNX Runtime could not be loaded, and was not kept from an earlier time", {
    remedy: "Go online once; a .bolt file with scales found at run time needs none",
  });
}
