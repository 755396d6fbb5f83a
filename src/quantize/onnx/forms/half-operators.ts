import type { OnnxNode, OnnxValue } from "../../../onnx/model.ts";
import { MICROSOFT } from "./form-editor.ts";

/** Operators of ai.onnx that take no half floats in some opset from 13 on, or whose types attributes say. */
const FLOAT32_ONLY: ReadonlySet<string> = new Set([
  ...["Constant", "ConstantOfShape", "Range", "EyeLike", "RandomNormal", "RandomNormalLike", "RandomUniform"],
  ...["RandomUniformLike", "Bernoulli", "Multinomial", "MelWeightMatrix", "HannWindow", "HammingWindow"],
  ...["BlackmanWindow", "STFT", "DFT", "Resize", "Upsample", "NonMaxSuppression", "CumSum", "IsInf", "CastLike"],
  ...["QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "If", "Loop", "Scan", "Optional"],
  ...["OptionalGetElement", "OptionalHasElement", "ConcatFromSequence", "SplitToSequence", "SequenceMap"],
  ...["SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert", "SequenceLength"],
]);

/** Operators of com.microsoft that compute in half floats. */
const MICROSOFT_HALF: ReadonlySet<string> = new Set([
  ...["MatMulNBits", "MatMulBnb4", "GatherBlockQuantized", "FusedMatMul", "FastGelu", "BiasGelu", "Gelu", "QuickGelu"],
  ...["SkipLayerNormalization", "SkipSimplifiedLayerNormalization", "EmbedLayerNormalization", "Attention"],
  ...["MultiHeadAttention", "GroupQueryAttention", "RotaryEmbedding", "SimplifiedLayerNormalization"],
]);

/** Outputs that are of the type of the inputs, where not all are: means and deviations stay float32. */
const HALF_OUTPUTS: Readonly<Record<string, readonly number[]>> = {
  LayerNormalization: [0],
  SimplifiedLayerNormalization: [0],
  SkipLayerNormalization: [0, 3],
  SkipSimplifiedLayerNormalization: [0, 3],
};

/** Whether an operator can compute in half floats. */
export function takesHalf({ type, data }: OnnxNode): boolean {
  return data.domain === "" ? !FLOAT32_ONLY.has(type) : data.domain === MICROSOFT && MICROSOFT_HALF.has(type);
}

/** Whether a value holds float32 numbers; undefined: its type is not known. */
export function isFloat(value: OnnxValue): boolean | undefined {
  const type = value.constant?.type ?? value.type?.type;
  return type === undefined ? undefined : type === "float32";
}

/** What an operator reads in float32. */
export function floatInputs({ inputs }: OnnxNode): OnnxValue[] {
  return inputs.filter((value) => value !== undefined).filter((value) => isFloat(value) === true);
}

/** What becomes half when the operator does. Shapes are not inferred through com.microsoft: there, what has no type is as the input. */
export function halfOutputs({ type, outputs, data }: OnnxNode): OnnxValue[] {
  return outputs.filter((value, index) => {
    if (HALF_OUTPUTS[type]?.includes(index) === false) return false;
    return isFloat(value) ?? data.domain === MICROSOFT;
  });
}
