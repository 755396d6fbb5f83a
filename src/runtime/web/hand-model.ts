import type { OnnxModel } from "../../onnx/model.ts";
import { handBytes } from "../hand-bytes.ts";
import type { HandedModel, Runtime } from "../runtime.ts";

/** Hands a model over to sessions of a runtime: in memory, as a browser has no other way. */
export const handModel: (model: OnnxModel, runtime: Runtime) => Promise<HandedModel> = handBytes;
