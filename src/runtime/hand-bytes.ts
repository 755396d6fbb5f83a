import type { OnnxModel } from "../onnx/model.ts";
import { encodedLength, encodeOnnx } from "../onnx/write.ts";
import type { HandedModel } from "./runtime.ts";

/** Hands a model over in memory. Throws BoltqError `unsupported` when it passes 2 GiB. */
export async function handBytes(model: OnnxModel): Promise<HandedModel> {
  return { model: await encodeOnnx(model), length: encodedLength(model), release: () => {} };
}
