import type { OnnxRuntimeModule } from "../onnxruntime-module.ts";

/**
 * A package of ONNX Runtime, or undefined where it is not installed or has no binary for this machine. Its name is not
 * written into the import so that bundlers leave that alone: the packages are optional.
 */
export async function importOnnxRuntime(name: string): Promise<OnnxRuntimeModule | undefined> {
  try {
    const module: OnnxRuntimeModule & { default?: OnnxRuntimeModule } = await import(/* @vite-ignore */ name);
    return module.default ?? module;
  } catch {
    return undefined;
  }
}
