import type { OnnxRuntimeModule } from "../onnxruntime.ts";

/** onnxruntime-node, or undefined where it is not installed or has no binary for this machine. */
export async function importOnnxRuntimeNode(): Promise<OnnxRuntimeModule | undefined> {
  try {
    const module = await import("onnxruntime-node");
    return "default" in module ? (module.default as OnnxRuntimeModule) : module;
  } catch {
    return undefined;
  }
}
