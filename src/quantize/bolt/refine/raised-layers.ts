import type { BoltModel, BoltWeight } from "../../../bolt/model.ts";
import type { OnnxModel, OnnxNode } from "../../../onnx/model.ts";

/** A Conv or Gemm of a raised network, and the Bolt record that its weight and bias are those of. */
export interface RaisedLayer {
  readonly node: OnnxNode;
  readonly record: BoltWeight;
}

/** Names of the nodes that multiply with an operator's weight in the raised network. */
const PRODUCTS = ["conv", "gemm"] as const;

/** The layers whose weight is a whole record, in graph order. */
export function raisedLayers(raised: OnnxModel, { weights }: BoltModel): RaisedLayer[] {
  const records = new Map(
    [...weights].flatMap((record) => PRODUCTS.map((name) => [`${record.operator}/${name}`, record])),
  );
  return raised.main.graph.nodes.flatMap((node) => {
    const record = records.get(node.name);
    const constant = node.type === "Conv" || node.type === "Gemm" ? node.inputs[1]?.constant : undefined;
    const isWhole = record?.dataType === "F32" && constant?.data.length === record.weight.length;
    return isWhole ? [{ node, record }] : [];
  });
}

/** The node of a raised network that multiplies with an operator's weight. */
export function productOf(raised: OnnxModel, operator: string): OnnxNode {
  const names = PRODUCTS.map((name) => `${operator}/${name}`);
  return raised.main.graph.nodes.find(({ name }) => names.includes(name))!;
}
