import { BoltqError } from "../../io/error.ts";
import type { Runtime } from "../runtime.ts";

/** The runtime where none is given. A browser cannot look for one by its name: always throws BoltqError `runtime-missing`. */
export async function loadRuntime(): Promise<Runtime> {
  throw new BoltqError("runtime-missing", "no ONNX Runtime is given, and a browser cannot find one by itself", {
    remedy: 'Give the option "runtime": runtimeOf(ort), with import * as ort from "onnxruntime-web/wasm"',
  });
}
