import type { Node, Value } from "../graph/graph.ts";
import { elementCount, type Tensor } from "../graph/tensor.ts";
import { intAttribute } from "../onnx/attributes.ts";
import type { OnnxNode } from "../onnx/model.ts";
import { float32Of, numbersOf } from "../onnx/tensor-data.ts";

/** A constant of a network, which may be stored in codes. */
export interface StoredConstant {
  readonly tensor: Tensor;
  /** The numbers that the operator multiplies with. */
  readonly values: () => Promise<Float32Array>;
  /** One scale for each channel, or one; none where the numbers are stored as they are. */
  readonly scales: () => Promise<ArrayLike<number>>;
}

/** A constant behind a DequantizeLinear with one scale or one for each channel, or as it is. */
export function storedConstant(value: Value | undefined): StoredConstant | undefined {
  if (value?.constant !== undefined) {
    const tensor = value.constant;
    return { tensor, values: () => float32Of(tensor), scales: async () => [] };
  }
  const node = value?.producer;
  const [codes, scale, zero] = [0, 1, 2].map((index) => node?.inputs[index]?.constant);
  if (node?.type !== "DequantizeLinear" || codes === undefined || scale === undefined) return undefined;
  const axis = intAttribute(node as OnnxNode, "axis", 1);
  const inner =
    scale.shape.length === 0 ? 1 : elementCount(codes.shape.slice((axis < 0 ? axis + codes.shape.length : axis) + 1));
  return {
    tensor: codes,
    scales: () => numbersOf(scale),
    values: async () => {
      const [numbers, scales] = [await numbersOf(codes), await numbersOf(scale)];
      const zeros = zero === undefined ? [0] : await numbersOf(zero);
      return Float32Array.from(numbers, (code, index) => {
        const place = scales.length === 1 ? 0 : Math.floor(index / inner) % scales.length;
        return (code - (zeros[zeros.length === 1 ? 0 : place] ?? 0)) * scales[place]!;
      });
    },
  };
}

/** The axis of a weight's output channels. */
export function channelAxis(node: Node): number {
  if (node.type === "Conv") return 0;
  if (node.type === "Gemm") return intAttribute(node as OnnxNode, "transB", 0) === 1 ? 0 : 1;
  return Math.max(0, (node.inputs[1]?.constant?.shape.length ?? 1) - 1);
}
