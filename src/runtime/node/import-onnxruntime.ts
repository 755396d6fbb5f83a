import type { OnnxRuntimeModule } from "../onnxruntime.ts";

/** In a variable, so that bundlers leave the import alone: the package is optional. */
const PACKAGE: string = "onnxruntime-node";

/** onnxruntime-node, or undefined where it is not installed or has no binary for this machine. */
export async function importOnnxRuntimeNode(): Promise<OnnxRuntimeModule | undefined> {
  try {
    const module: OnnxRuntimeModule & { default?: OnnxRuntimeModule } = await import(/* @vite-ignore */ PACKAGE);
    return module.default ?? module;
  } catch {
    return undefined;
  }
}
