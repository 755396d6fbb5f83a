import { BoltqError } from "../../io/error.ts";
import type { OnnxModel, OnnxNode } from "../../onnx/model.ts";

/** Operators that compute with integers or simulate it, of ai.onnx, com.microsoft and QONNX. */
const QUANTIZED =
  /^(QLinear\w+|QGemm|QAttention|QEmbedLayerNormalization|ConvInteger|MatMulInteger\w*|DynamicQuantize\w+|MatMulNBits|QuantizeLinear|Quant|BipolarQuant)$/;

/** Throws BoltqError `unsupported` that names the first operator of a model that is quantized already. */
export function refuseQuantized({ main }: OnnxModel): void {
  const node = main.graph.nodes.find(({ type }) => QUANTIZED.test(type));
  if (node === undefined) return;
  throw new BoltqError("unsupported", "the model is quantized already", {
    subject: `operator "${node.name || node.outputs[0]?.name}" (${node.type})`,
    remedy: remedyFor(node),
  });
}

function remedyFor({ type }: OnnxNode): string {
  const simulated = type === "QuantizeLinear" || type.endsWith("Quant");
  return simulated
    ? "Quantize the float model, or take its quantization out: boltq table --from-qdq MODEL -o TABLE.json --float FLOAT.onnx"
    : "Quantize the float model that it was made from";
}
