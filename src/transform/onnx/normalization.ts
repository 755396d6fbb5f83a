import type { OnnxNode, OnnxValue } from "../../onnx/model.ts";

/** What a normalization multiplies each channel with and adds to it: constant float32 vectors. */
export interface NormalizationParameters {
  readonly factor: OnnxValue;
  readonly offset: OnnxValue | undefined;
}

/** Those of the LayerNormalization or RMS normalization, whole or taken apart, that gives the value; undefined where none does. */
export function normalizationBehind(value: OnnxValue | undefined): NormalizationParameters | undefined {
  const node = value?.producer;
  if (node === undefined) return undefined;
  if (node.type === "LayerNormalization") {
    const [, factor, offset] = node.inputs;
    return isVector(factor) && (offset === undefined || isVector(offset)) ? { factor, offset } : undefined;
  }
  const offset = node.type === "Add" ? node.inputs.find(isVector) : undefined;
  const scaling = offset === undefined ? node : node.inputs.find((input) => input !== offset)?.producer;
  if (scaling?.type !== "Mul") return undefined;
  const factor = scaling.inputs.find(isVector);
  const before = scaling.inputs.find((input) => input !== factor)?.producer;
  return factor !== undefined && before !== undefined && dividesByRoot(before) ? { factor, offset } : undefined;
}

function isVector(value: OnnxValue | undefined): value is OnnxValue {
  return value?.constant?.type === "float32" && value.constant.shape.length === 1;
}

/** Whether it stands before the factor of a normalization that is taken apart: a division by the deviation, or a product with its inverse. */
function dividesByRoot({ type, inputs }: OnnxNode): boolean {
  if (type === "Div") return inputs[1]?.producer?.type === "Sqrt";
  return type === "Mul" && inputs.some((input) => INVERSES.has(input?.producer?.type ?? ""));
}

const INVERSES: ReadonlySet<string> = new Set(["Reciprocal", "Div", "Pow"]);
