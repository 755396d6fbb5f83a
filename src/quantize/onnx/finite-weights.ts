import { BoltqError } from "../../io/error.ts";
import type { OnnxModel, OnnxValue } from "../../onnx/model.ts";
import { float32Of } from "../../onnx/tensor-data.ts";

/** The numbers of a weight. Throws BoltqError `invalid-data` that names a weight with infinite numbers or NaN. */
export async function finiteValues({ name, constant }: OnnxValue): Promise<Float32Array> {
  const values = await float32Of(constant!);
  const place = firstBroken(values);
  if (place === undefined) return values;
  throw new BoltqError("invalid-data", `it holds ${values[place]} at element ${place}`, {
    subject: `weight "${name}"`,
    remedy: "Export the model again from weights that are finite",
  });
}

/** The difference of a number and itself is 0 unless it is infinite or none: that costs a tenth of a callback for each. */
function firstBroken(values: Float32Array): number | undefined {
  for (let index = 0; index < values.length; index++) if (values[index]! - values[index]! !== 0) return index;
  return undefined;
}

/** Throws BoltqError `invalid-data` for the first weight of a matrix operator that holds infinite numbers or NaN. */
export async function refuseBrokenWeights({ main }: OnnxModel): Promise<void> {
  for (const { type, inputs } of main.graph.nodes) {
    if (!MATRIX.has(type)) continue;
    for (const input of inputs) if (input?.constant?.type === "float32") await finiteValues(input);
  }
}

const MATRIX: ReadonlySet<string> = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul"]);
