import { BoltqError } from "../../io/error.ts";
import type { OnnxModel, OnnxValue } from "../../onnx/model.ts";
import { float32Of } from "../../onnx/tensor-data.ts";

/** The numbers of a constant. Throws as `requireFinite`. */
export async function finiteValues(value: OnnxValue): Promise<Float32Array> {
  const values = await float32Of(value.constant!);
  requireFinite(value, values);
  return values;
}

/**
 * Throws BoltqError `invalid-data` that names the weight where one of these numbers of it is infinite or NaN; `placeOf` tells
 * which element of the weight a number is.
 */
export function requireFinite({ name }: OnnxValue, values: Float32Array, placeOf = (index: number) => index): void {
  for (let index = 0; index < values.length; index++) {
    // Of a finite number and itself the difference is 0: that costs a tenth of a call for each.
    if (values[index]! - values[index]! === 0) continue;
    throw new BoltqError("invalid-data", `it holds ${values[index]} at element ${placeOf(index)}`, {
      subject: `weight "${name}"`,
      remedy: "Export the model again from weights that are finite",
    });
  }
}

/** Throws BoltqError `invalid-data` for the first weight of a matrix operator that holds infinite numbers or NaN. */
export async function refuseBrokenWeights({ main }: OnnxModel): Promise<void> {
  for (const { type, inputs } of main.graph.nodes) {
    if (!MATRIX.has(type)) continue;
    for (const input of inputs) if (input?.constant?.type === "float32") await finiteValues(input);
  }
}

const MATRIX: ReadonlySet<string> = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul"]);
