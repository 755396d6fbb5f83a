import { Value } from "../../graph/graph.ts";
import { intAttribute } from "../../onnx/attributes.ts";
import type { OnnxModel, OnnxNode, OnnxNodeData } from "../../onnx/model.ts";
import { nodeData } from "../../onnx/node-data.ts";
import { integerTensor } from "../../onnx/tensor-data.ts";
import { FreshNames } from "./fresh-names.ts";
import { addInitializer } from "./initializers.ts";

/** Operators that multiply with weights. */
const MATRIX: ReadonlySet<string> = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul"]);

/**
 * Writes a network's last matrix operator as a Gemm of the same name where it is a Conv over one number a channel, as behind a pooling.
 * Quantized, a Gemm gives float numbers where a Conv gives bytes, too coarse for classes. The model has opset 13 or newer and
 * inferred shapes. Returns the operator's name, undefined where there is none.
 */
export function pooledConvolutionToGemm(model: OnnxModel): string | undefined {
  const { graph } = model.main;
  const node = graph.nodes.findLast(({ type, data }) => data.domain === "" && MATRIX.has(type));
  if (node === undefined || !isProduct(node)) return undefined;
  const [input, weight, bias] = [node.input(0), node.input(1), node.inputs[2]];
  const names = new FreshNames(model);
  const [rows, columns] = weight.constant!.shape as [number, number];
  const output = node.output();
  const batch = input.type?.shape?.[0];
  const value = (name: string, channels: number) =>
    new Value<OnnxNodeData>(names.next(name), { type: { type: "float32", shape: [batch, channels] } });
  const [flat, product] = [value(`${input.name}/flat`, columns), value(`${output.name}/flat`, rows)];
  const matrix = addInitializer(model, names.next(`${weight.name}/matrix`), {
    ...weight.constant!,
    shape: [rows, columns],
  });
  const axes = addInitializer(model, names.next(`${node.name}/axes`), integerTensor([2], [2, 3]));
  graph.insertBefore(node, {
    name: names.next(`${node.name}/flatten`),
    type: "Flatten",
    inputs: [input],
    outputs: [flat],
    data: nodeData({ axis: 1 }),
  });
  graph.insertBefore(node, {
    name: node.name,
    type: "Gemm",
    inputs: bias === undefined ? [flat, matrix] : [flat, matrix, bias],
    outputs: [product],
    data: nodeData({ transB: 1 }),
  });
  const unsqueeze = graph.insertBefore(node, {
    name: names.next(`${node.name}/unsqueeze`),
    type: "Unsqueeze",
    inputs: [product, axes],
    outputs: [],
    data: nodeData({}),
  });
  graph.remove(node);
  unsqueeze.setOutputs([output]);
  return node.name;
}

/** Whether the convolution multiplies one number a channel with a matrix. */
function isProduct(node: OnnxNode): boolean {
  if (node.type !== "Conv" || intAttribute(node, "group", 1) !== 1) return false;
  const { constant, users } = node.input(1);
  const single = (shape: readonly unknown[] | undefined) => shape?.length === 4 && shape[2] === 1 && shape[3] === 1;
  return (
    constant?.type === "float32" &&
    users.length === 1 &&
    single(constant.shape) &&
    single(node.input(0).type?.shape) &&
    single(node.output().type?.shape)
  );
}
