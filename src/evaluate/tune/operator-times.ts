import { Value } from "../../graph/graph.ts";
import type { DenseTensor } from "../../graph/tensor.ts";
import { memorySource } from "../../io/bytes.ts";
import type { OnnxModel, OnnxNode, OnnxNodeData, OnnxValue } from "../../onnx/model.ts";
import { readOnnx } from "../../onnx/read.ts";
import { dataInputs } from "../../quantize/onnx/operator-roles.ts";
import { bytesOf, cutTo } from "../../quantize/refine/partial-model.ts";
import type { NamedTensors, Optimization, Runtime } from "../../runtime/runtime.ts";

/** How long an operator takes, with the activation that is fused into it, in milliseconds. */
export interface OperatorTime {
  readonly float: number;
  readonly int8: number;
}

/** An operator to time, and the activation that vanishes into it. */
export interface TimedOperator {
  readonly name: string;
  readonly activation: string | undefined;
}

const RUNS = 9;

/**
 * Times operators alone, as float and in int8, on this machine: each is cut out of the float and of the quantized model and run on what it reads there for
 * `feeds`. Those that cannot be cut out are left out.
 */
export async function operatorTimes(
  models: { readonly float: Uint8Array; readonly int8: Uint8Array },
  operators: readonly TimedOperator[],
  feeds: NamedTensors,
  runtime: Runtime,
): Promise<Map<string, OperatorTime>> {
  const [float, int8] = [
    await partsOf(models.float, operators, feeds, runtime),
    await partsOf(models.int8, operators, feeds, runtime),
  ];
  const times = new Map<string, OperatorTime>();
  for (const operator of operators) {
    const [one, other] = [float.get(operator.name), int8.get(operator.name)];
    if (one === undefined || other === undefined) continue;
    // A float operator alone changes its memory layout and back, which it does not have to between others.
    const floats = [
      await timeOf(models.float, one, runtime, "all"),
      await timeOf(models.float, one, runtime, "extended"),
    ];
    times.set(operator.name, { float: Math.min(...floats), int8: await timeOf(models.int8, other, runtime, "all") });
  }
  return times;
}

/** Where an operator is cut out of a model. */
interface Part {
  readonly inputs: ReadonlyMap<string, DenseTensor>;
  readonly output: string;
}

async function partsOf(
  bytes: Uint8Array,
  operators: readonly TimedOperator[],
  feeds: NamedTensors,
  runtime: Runtime,
): Promise<Map<string, Part>> {
  const model = await readOnnx(memorySource(bytes));
  const nodes = new Map(model.main.graph.nodes.map((node) => [node.name, node]));
  const cuts = operators.flatMap((operator) => {
    const [node, activation] = [nodes.get(operator.name), nodes.get(operator.activation ?? "")];
    return node === undefined ? [] : [{ name: operator.name, ...cutOf(node, activation) }];
  });
  const given = await valuesOf(model, new Set(cuts.flatMap(({ inputs }) => inputs)), feeds, runtime);
  return new Map(
    cuts.flatMap(({ name, inputs, output }) => {
      const tensors = new Map(inputs.map((value) => [value.name, given.get(value.name)] as const));
      const known = [...tensors].every((entry): entry is [string, DenseTensor] => entry[1] !== undefined);
      return known ? [[name, { inputs: tensors as Map<string, DenseTensor>, output: output.name }] as const] : [];
    }),
  );
}

/** From the codes that it reads to the codes that it gives, where there are such. */
function cutOf(node: OnnxNode, activation: OnnxNode | undefined): { inputs: OnnxValue[]; output: OnnxValue } {
  const inputs = dataInputs(node).map((value) =>
    value.producer?.type === "DequantizeLinear" ? value.producer.input(0) : value,
  );
  const value = (activation ?? node).output();
  const [reader, ...others] = value.users;
  const stored = others.length === 0 && reader?.type === "QuantizeLinear" ? reader.output() : value;
  return { inputs: [...new Set(inputs)], output: stored };
}

async function valuesOf(
  model: OnnxModel,
  values: ReadonlySet<OnnxValue>,
  feeds: NamedTensors,
  runtime: Runtime,
): Promise<Map<string, DenseTensor>> {
  const { graph } = model.main;
  const inputs = new Set(graph.inputs);
  graph.outputs = [...values].filter((value) => !inputs.has(value));
  if (graph.outputs.length === 0) return new Map(feeds);
  const session = await runtime.createSession(await bytesOf(model), { placement: "direct", optimization: "none" });
  try {
    return new Map([...feeds, ...(await session.run(feeds))]);
  } finally {
    await session.close();
  }
}

async function timeOf(bytes: Uint8Array, part: Part, runtime: Runtime, optimization: Optimization): Promise<number> {
  const model = await readOnnx(memorySource(bytes));
  const { graph } = model.main;
  const values = new Map(
    [...graph.inputs, ...graph.nodes.flatMap(({ outputs }) => outputs)].map((each) => [each.name, each]),
  );
  const given = [...part.inputs].map(([name, { type, shape }]) => {
    const value = new Value<OnnxNodeData>(`${name}/given`, { type: { type, shape } });
    graph.replaceUses(values.get(name)!, value);
    return value;
  });
  cutTo(model, [values.get(part.output)!]);
  graph.inputs = given;
  const feeds = new Map([...part.inputs].map(([name, tensor]) => [`${name}/given`, tensor]));
  const session = await runtime.createSession(await bytesOf(model), { placement: "direct", threads: 1, optimization });
  try {
    await session.run(feeds);
    return Math.min(...(await session.time(feeds, RUNS)));
  } finally {
    await session.close();
  }
}
