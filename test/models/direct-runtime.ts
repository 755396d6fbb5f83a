import { loadRuntime } from "../../src/runtime/load.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";

/** ONNX Runtime in the test's own thread: to start one for each small session takes longer than it runs. */
export async function directRuntime(): Promise<Runtime> {
  const { name, createSession } = await loadRuntime();
  return {
    name,
    placement: "direct",
    createSession: (model, options) => createSession(model, { ...options, placement: "direct" }),
  };
}
