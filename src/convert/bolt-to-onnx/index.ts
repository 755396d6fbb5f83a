import type { BoltModel } from "../../bolt/model.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import type { RaiseOptions } from "./raise.ts";

export type { RaiseOptions } from "./raise.ts";
export { raisedNames } from "./raised-names.ts";

/**
 * The model as ONNX, so that it can be run: float operators compute in float32 with the numbers that the stored weights
 * stand for; operators labelled int8 compute as Bolt's engine does. Inputs have the shapes that the file states. Large
 * weights stay in the file until they are read. Throws BoltqError `unsupported` that lists the operators that cannot be
 * raised, or names the one whose sizes or parameters cannot.
 */
export async function raiseToOnnx(model: BoltModel, options: RaiseOptions = {}): Promise<OnnxModel> {
  const { raiseGraph } = await import("./raise.ts");
  return raiseGraph(model, options);
}
