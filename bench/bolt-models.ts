import { type BoltModel, type BoltNodeData, WeightTable } from "../src/bolt/model.ts";
import { newModel, newNodeData, newWeight } from "../src/bolt/new-model.ts";
import type { ParameterValue } from "../src/bolt/parameters.ts";
import type { BoltTensorDescription } from "../src/bolt/tensor-description.ts";
import { Graph, Value } from "../src/graph/graph.ts";
import type { Bytes } from "../src/io/bytes.ts";
import { noise } from "./noise.ts";

const VERSION = 20220831;
const NCHW = 0;

/** A chain of `count` square matrix products without activation, as X2bolt -i PTQ states it. */
export function gemmModel(count: number, size: number): BoltModel {
  const model = chain("gemm", [size, 1]);
  for (let index = 0; index < count; index++) {
    const parameters = { num_outputs: size, num_slices: 1, slice_point: [size] };
    addOperator(model, "FC", `fc${index}`, parameters, {
      weight: noise(size * size, index + 1),
      vector: noise(size, -index - 1),
    });
  }
  return model;
}

/** Convolutions 1x1 of 8 channels and Sigmoids in turn, `count` operators in all. */
export function alternatingModel(count: number): BoltModel {
  const channels = 8;
  const model = chain("alternating", [8, 8, channels, 1]);
  for (let index = 0; index < count; index += 2) {
    addOperator(model, "Conv", `conv${index}`, CONVOLUTION(channels), {
      weight: noise(channels * channels, index + 1),
      vector: noise(channels, -index - 1),
    });
    addOperator(model, "Sigmoid", `sigmoid${index}`, {});
  }
  return model;
}

const CONVOLUTION = (channels: number): Record<string, ParameterValue> => ({
  ...Object.fromEntries(
    ["kernel_t", "kernel_h", "kernel_w", "stride_t", "stride_h", "stride_w", "group"].map((name) => [name, 1]),
  ),
  ...Object.fromEntries(["dilatedRate_t", "dilatedRate_h", "dilatedRate_w"].map((name) => [name, 1])),
  num_outputs: channels,
  num_outputs_origin: channels,
  convolution_type: "POINTWISE",
});

/** A model that has only its input so far; `dimensions` are in Bolt's order. */
function chain(name: string, dimensions: number[]): BoltModel {
  const graph = new Graph<BoltNodeData>(name);
  const input = new Value<BoltNodeData>("x");
  const description: BoltTensorDescription = { dataType: "F32", dataFormat: NCHW, dimensions };
  graph.inputs = [input];
  graph.outputs = [input];
  return newModel({ version: VERSION, name, inputDescriptions: [description], graph, weights: new WeightTable() });
}

/** Appends an operator that reads what the last one gives. */
function addOperator(
  { graph, weights }: BoltModel,
  type: string,
  name: string,
  parameters: Readonly<Record<string, ParameterValue>>,
  data?: { weight: Bytes; vector: Bytes },
): void {
  const output = new Value<BoltNodeData>(`${name}_output`);
  graph.append({
    name,
    type,
    inputs: graph.outputs,
    outputs: [output],
    data: newNodeData(type, VERSION, parameters),
  });
  graph.outputs = [output];
  if (data !== undefined) weights.add(newWeight(name, { dataType: "F32", ...data }));
}
