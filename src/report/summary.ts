import type { BoltModel, BoltWeight } from "../bolt/model.ts";
import type { ParameterName } from "../bolt/parameter-layouts.ts";
import type { ParameterValue } from "../bolt/parameters.ts";
import { weightCount, weightValues } from "../bolt/weight-values.ts";
import type { Model } from "../convert/model-file.ts";
import { type Dimension, ELEMENT_BITS, elementCount, type Tensor } from "../graph/tensor.ts";
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxValue } from "../onnx/model.ts";
import { subgraphsOf } from "../onnx/subgraphs.ts";
import { numberPieces } from "../onnx/tensor-data.ts";

/** What `inspect` shows of a model: plain data, in file order. */
export interface ModelSummary {
  readonly format: "bolt" | "onnx";
  /** Header fields by name. */
  readonly header: Readonly<Record<string, string | number>>;
  readonly inputs: readonly TensorSummary[];
  readonly outputs: readonly TensorSummary[];
  readonly operators: readonly OperatorSummary[];
  readonly weights: readonly WeightSummary[];
}

/** An input or output as `inspect` shows it. */
export interface TensorSummary {
  readonly name: string;
  readonly type: string | undefined;
  /** Outermost dimension first; a string is a symbolic size, null an unknown one. */
  readonly shape: readonly (number | string | null)[] | undefined;
}

/** An operator as `inspect` shows it. */
export interface OperatorSummary {
  readonly name: string;
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Bolt's quantization labels and scales, one list a slot; empty when the operator has none. */
  readonly scales: readonly (readonly number[])[];
}

/** A weight or constant as `inspect` shows it. */
export interface WeightSummary {
  /** Bolt: the operator's name. ONNX: the initializer's. */
  readonly name: string;
  readonly type: string;
  /** ONNX: the shape; Bolt's files state the number of elements alone. */
  readonly shape: readonly number[];
  readonly bytes: number;
  /** Bytes of the vector (bias and the like) that goes with it in a Bolt file. */
  readonly vectorBytes: number;
  /** Least and greatest value; absent for text, empty weights, or when ranges were not asked for. */
  readonly minimum?: number;
  readonly maximum?: number;
  readonly scales: readonly (readonly number[])[];
}

/** How much of a model is read to describe it. */
export interface SummaryOptions {
  /** Read every weight to tell its range. Default true. */
  ranges?: boolean;
}

/** Describes a model. With `ranges`, every weight is read once, piece by piece. */
export async function summarizeModel(model: Model, options: SummaryOptions = {}): Promise<ModelSummary> {
  return model.format === "bolt" ? summarizeBolt(model, options) : summarizeOnnx(model, options);
}

async function summarizeBolt(model: BoltModel, { ranges = true }: SummaryOptions): Promise<ModelSummary> {
  const weights: WeightSummary[] = [];
  for (const record of model.weights) weights.push(await summarizeBoltWeight(record, ranges));
  return {
    format: "bolt",
    header: { version: model.version, name: model.name, dataType: model.dataType },
    inputs: model.graph.inputs.map(({ name }, index) => {
      const description = model.inputDescriptions[index];
      return { name, type: description?.dataType, shape: description?.dimensions.toReversed() };
    }),
    outputs: model.graph.outputs.map(({ name }) => ({ name, type: undefined, shape: undefined })),
    operators: model.graph.nodes.map((node) => ({
      name: node.name,
      type: node.type,
      inputs: node.inputs.map((input) => input?.name ?? ""),
      outputs: node.outputs.map((output) => output.name),
      parameters: boltParameters(node.data.parameters),
      scales: node.data.scales.map((slot) => [...slot]),
    })),
    weights,
  };
}

/** Fields by name; array fields that come with a count show that many elements. */
function boltParameters(
  parameters: BoltModel["graph"]["nodes"][number]["data"]["parameters"],
): Record<string, ParameterValue> {
  const shown: Record<string, ParameterValue> = {};
  for (const name of parameters.names) {
    const count = `num_${name.split(".").at(-1)}`;
    const holder = (name.includes(".") ? `${name.slice(0, name.lastIndexOf("."))}.${count}` : count) as ParameterName;
    const value = parameters.value(name);
    shown[name] = Array.isArray(value) && parameters.has(holder) ? parameters.counted(name, holder) : value;
  }
  return shown;
}

async function summarizeBoltWeight(record: BoltWeight, ranges: boolean): Promise<WeightSummary> {
  const { operator, dataType, weight, vector, scales } = record;
  return {
    name: operator,
    type: dataType,
    shape: [weightCount(record)],
    bytes: weight.length,
    vectorBytes: vector.length,
    ...(ranges && weight.length > 0 ? await rangeOfPieces(weightValues(record)) : {}),
    scales: scales.map((slot) => [...slot]),
  };
}

async function summarizeOnnx(model: OnnxModel, { ranges = true }: SummaryOptions): Promise<ModelSummary> {
  const { graph, initializers } = model.main;
  const weights: WeightSummary[] = [];
  for (const [name, tensor] of constantsOf(model.main)) weights.push(await summarizeTensor(name, tensor, ranges));
  const constants = new Set(initializers);
  return {
    format: "onnx",
    header: {
      irVersion: model.irVersion,
      ...Object.fromEntries([...model.opsets].map(([domain, version]) => [`opset ${domain || "ai.onnx"}`, version])),
      producer: `${model.producerName} ${model.producerVersion}`.trim(),
      name: graph.name,
    },
    inputs: graph.inputs.filter((value) => !constants.has(value)).map(summarizeValue),
    outputs: graph.outputs.map(summarizeValue),
    operators: graph.nodes.map((node) => ({
      name: node.name,
      type: node.data.domain === "" ? node.type : `${node.data.domain}.${node.type}`,
      inputs: node.inputs.map((input) => input?.name ?? ""),
      outputs: node.outputs.map((output) => output.name),
      parameters: Object.fromEntries(
        [...node.data.attributes].map(([name, attribute]) => [name, showAttribute(attribute)]),
      ),
      scales: [],
    })),
    weights,
  };
}

function summarizeValue({ name, type }: OnnxValue): TensorSummary {
  return { name, type: type?.type, shape: type?.shape?.map((size: Dimension) => size ?? null) };
}

/** Initializers and the tensors of Constant operators, those in subgraphs too. */
function* constantsOf({ graph, initializers }: OnnxGraph): Iterable<[string, Tensor]> {
  for (const { name, constant } of initializers) if (constant !== undefined) yield [name, constant];
  for (const node of graph.nodes) {
    const value = node.type === "Constant" ? node.data.attributes.get("value") : undefined;
    if (value?.kind === "tensor") yield [node.outputs[0]?.name ?? node.name, value.value];
    for (const inner of subgraphsOf(node)) yield* constantsOf(inner);
  }
}

async function summarizeTensor(name: string, tensor: Tensor, ranges: boolean): Promise<WeightSummary> {
  const { type, shape, data } = tensor;
  const ranged = ranges && data.length > 0 && HAS_RANGE.has(type);
  return {
    name,
    type,
    shape: [...shape],
    bytes: data.length,
    vectorBytes: 0,
    ...(ranged ? await rangeOfPieces(numberPieces(tensor)) : {}),
    scales: [],
  };
}

const HAS_RANGE = new Set<string>(Object.keys(ELEMENT_BITS).filter((type) => !/string|complex|float[48]/.test(type)));

function showAttribute(attribute: OnnxAttribute): unknown {
  switch (attribute.kind) {
    case "string":
      return new TextDecoder().decode(attribute.value);
    case "strings":
      return attribute.value.map((text) => new TextDecoder().decode(text));
    case "tensor":
      return showTensor(attribute.value);
    case "tensors":
      return attribute.value.map(showTensor);
    case "graph":
      return `graph of ${attribute.value.graph.size} operators`;
    case "graphs":
      return attribute.value.map(({ graph }) => `graph of ${graph.size} operators`);
    case "raw":
      return `${attribute.value.byteLength} bytes`;
    default:
      return attribute.value;
  }
}

function showTensor({ type, shape }: Tensor): string {
  return `${type}[${shape.join("x")}], ${elementCount(shape)} elements`;
}

async function rangeOfPieces(pieces: AsyncIterable<ArrayLike<number>>): Promise<{ minimum: number; maximum: number }> {
  let minimum = Number.POSITIVE_INFINITY;
  let maximum = Number.NEGATIVE_INFINITY;
  for await (const piece of pieces) {
    const range = rangeOfValues(piece);
    minimum = Math.min(minimum, range.minimum);
    maximum = Math.max(maximum, range.maximum);
  }
  return { minimum, maximum };
}

function rangeOfValues(values: ArrayLike<number>): { minimum: number; maximum: number } {
  let minimum = Number.POSITIVE_INFINITY;
  let maximum = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < values.length; index++) {
    minimum = Math.min(minimum, values[index]!);
    maximum = Math.max(maximum, values[index]!);
  }
  return { minimum, maximum };
}
