import type { Tensor } from "../../graph/tensor.ts";
import { floatAttribute, intAttribute } from "../../onnx/attributes.ts";
import type { OnnxModel, OnnxNode, OnnxValue } from "../../onnx/model.ts";
import { float32Of, floatTensor } from "../../onnx/tensor-data.ts";
import { FreshNames } from "./fresh-names.ts";
import { addInitializer, dropUnusedInitializers } from "./initializers.ts";
import { scaledRows } from "./scaled-rows.ts";

/** ONNX's default. */
const DEFAULT_EPSILON = 1e-5;

/**
 * Folds each BatchNormalization into the Conv, or Gemm with a transposed weight, whose only reader it is:
 * weight × factor, (bias − mean) × factor + shift with factor = gamma / √(variance + epsilon). Large weights are scaled
 * when they are read. Returns the names of the operators that were folded away.
 */
export async function foldBatchNorm(model: OnnxModel): Promise<string[]> {
  const names = new FreshNames(model);
  const folded: string[] = [];
  for (const node of model.main.graph.nodes) {
    const norm = takesFactors(node) ? onlyReader(model, node) : undefined;
    if (norm === undefined || !isPlainNorm(norm, node.input(1).constant?.shape[0])) continue;
    await fold(model, node, norm, names);
    folded.push(norm.name);
  }
  if (folded.length > 0) dropUnusedInitializers(model);
  return folded;
}

/** Whether every output channel of the operator is one row of a constant weight. */
function takesFactors(node: OnnxNode): boolean {
  if (node.data.domain !== "" || node.inputs[1]?.constant?.type !== "float32") return false;
  const rows = node.inputs[1].constant.shape[0];
  const bias = node.inputs[2];
  const { type, shape } = bias?.constant ?? { type: "float32", shape: [rows] };
  if (bias !== undefined && bias.constant === undefined) return false;
  if (type !== "float32" || shape.length !== 1 || shape[0] !== rows) return false;
  if (node.type === "Conv") return true;
  return node.type === "Gemm" && intAttribute(node, "transB", 0) === 1 && floatAttribute(node, "beta", 1) === 1;
}

function onlyReader({ main: { graph } }: OnnxModel, node: OnnxNode): OnnxNode | undefined {
  const output = node.output();
  const [reader, ...others] = output.users;
  if (reader === undefined || others.length > 0 || graph.outputs.includes(output) || !graph.has(reader))
    return undefined;
  return reader.inputs.filter((input) => input === output).length === 1 && reader.inputs[0] === output
    ? reader
    : undefined;
}

function isPlainNorm(norm: OnnxNode, channels: number | undefined): boolean {
  return (
    norm.type === "BatchNormalization" &&
    norm.data.domain === "" &&
    norm.outputs.length === 1 &&
    intAttribute(norm, "training_mode", 0) === 0 &&
    intAttribute(norm, "spatial", 1) === 1 &&
    norm.inputs.slice(1).every((input) => input?.constant?.type === "float32" && input.constant.shape[0] === channels)
  );
}

async function fold(model: OnnxModel, node: OnnxNode, norm: OnnxNode, names: FreshNames): Promise<void> {
  const [gamma, shift, mean, variance] = await Promise.all([1, 2, 3, 4].map((index) => valuesOf(norm.input(index))));
  const epsilon = floatAttribute(norm, "epsilon", DEFAULT_EPSILON);
  const factors = Float32Array.from(gamma!, (value, channel) => value / Math.sqrt(variance![channel]! + epsilon));
  const old = node.inputs[2] === undefined ? new Float32Array(factors.length) : await valuesOf(node.input(2));
  const bias = Float32Array.from(factors, (f, channel) => (old[channel]! - mean![channel]!) * f + shift![channel]!);
  const weight = node.input(1);
  const { shape, data } = weight.constant as Tensor;
  const scaled = addInitializer(model, names.next(`${weight.name}_folded`), {
    type: "float32",
    shape,
    data: scaledRows(data, factors),
  });
  const biasName = names.next(`${node.inputs[2]?.name ?? `${weight.name}_bias`}_folded`);
  node.setInputs([node.inputs[0], scaled, addInitializer(model, biasName, floatTensor([bias.length], bias))]);
  bypass(model, node, norm);
}

/** The operator takes over the normalization's output, name and all, so that what reads it sees no change. */
function bypass({ main }: OnnxModel, node: OnnxNode, norm: OnnxNode): void {
  const output = norm.output();
  main.valueInfos.delete(node.output());
  main.graph.remove(norm);
  node.setOutputs([output]);
}

function valuesOf(value: OnnxValue): Promise<Float32Array> {
  return float32Of(value.constant as Tensor);
}
