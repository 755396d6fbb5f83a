import { Graph, Value } from "../graph/graph.ts";
import type { Dimension, TensorType } from "../graph/tensor.ts";
import type { Source } from "../io/bytes.ts";
import { type Bytes, rangeOf } from "../io/bytes.ts";
import { BoltqError, placed } from "../io/error.ts";
import { signed, WireMessage } from "../io/protobuf.ts";
import type { ExternalData } from "./external-data.ts";
import type { OnnxAttribute, OnnxFunction, OnnxGraph, OnnxModel, OnnxNodeData, OnnxValue, ValueInfo } from "./model.ts";
import { readTensor, type TensorContext } from "./read-tensor.ts";
import {
  ATTRIBUTE,
  ATTRIBUTE_TYPES,
  DIMENSION,
  ELEMENT_TYPES,
  ENTRY,
  FUNCTION,
  GRAPH,
  MODEL,
  NODE,
  OPSET,
  SHAPE,
  SPARSE_TENSOR,
  TENSOR,
  TENSOR_TYPE,
  TYPE,
  VALUE_INFO,
} from "./schema.ts";
import { settleStructure } from "./structure.ts";

/** What lies beside the file of a model that is read. */
export interface ReadOnnxOptions {
  /** Needed only for models with external data. */
  externalData?: ExternalData;
}

/** Subgraphs inside subgraphs: deeper than any exporter goes. */
const MOST_NESTING = 64;

/**
 * Reads an ONNX model. Tensor data stays in the source until it is asked for; fields that this reader does not know are
 * kept. Throws BoltqError `format` or `truncated` for what is no ONNX model.
 */
export async function readOnnx(source: Source, options: ReadOnnxOptions = {}): Promise<OnnxModel> {
  const { externalData } = options;
  return placed({ file: source.name }, async () =>
    readModelMessage(await WireMessage.read(rangeOf(source, 0, source.length)), { externalData }),
  );
}

async function readModelMessage(message: WireMessage, context: TensorContext): Promise<OnnxModel> {
  const graph = message.last(MODEL.graph);
  if (graph === undefined || message.integer(MODEL.irVersion) < 1) {
    throw new BoltqError("format", "this is not an ONNX model (it has no graph or no IR version)", {
      remedy: "Give a .onnx or .bolt file",
    });
  }
  return {
    format: "onnx",
    irVersion: message.integer(MODEL.irVersion),
    opsets: await readOpsets(message, MODEL.opsetImport),
    producerName: await message.text(MODEL.producerName),
    producerVersion: await message.text(MODEL.producerVersion),
    domain: await message.text(MODEL.domain),
    modelVersion: Number(signed(message.last(MODEL.modelVersion)?.bits ?? 0n)),
    documentation: await message.text(MODEL.documentation),
    metadata: await readEntries(message, MODEL.metadata),
    functions: await readFunctions(message),
    main: await readMainGraph(graph.data, context),
    unknownFields: await message.without(new Set(Object.values(MODEL))),
  };
}

async function readMainGraph(bytes: Bytes, context: TensorContext): Promise<OnnxGraph> {
  const main = await readGraph(bytes, context, undefined, 0);
  settleStructure(main);
  return main;
}

/** Opset versions by domain, in the fields of that number. */
export async function readOpsets(message: WireMessage, number: number): Promise<Map<string, number>> {
  const opsets = new Map<string, number>();
  for (const field of message.all(number)) {
    const opset = await WireMessage.read(field.data);
    const domain = await opset.text(OPSET.domain);
    opsets.set(domain === "ai.onnx" ? "" : domain, opset.integer(OPSET.version));
  }
  return opsets;
}

async function readEntries(message: WireMessage, number: number): Promise<Map<string, string>> {
  const entries = new Map<string, string>();
  for (const field of message.all(number)) {
    const entry = await WireMessage.read(field.data);
    entries.set(await entry.text(ENTRY.key), await entry.text(ENTRY.value));
  }
  return entries;
}

async function readFunctions(message: WireMessage): Promise<OnnxFunction[]> {
  const functions: OnnxFunction[] = [];
  for (const { data } of message.all(MODEL.functions)) {
    const body = await WireMessage.read(data);
    functions.push({
      domain: await body.text(FUNCTION.domain),
      name: await body.text(FUNCTION.name),
      bytes: await data.read(),
    });
  }
  return functions;
}

/** The values that names stand for, in a graph and the graphs around it. */
export class Scope {
  readonly #own = new Map<string, OnnxValue>();
  readonly outer: Scope | undefined;

  constructor(outer: Scope | undefined) {
    this.outer = outer;
  }

  /** The value of that name in this graph; a new one if there is none yet. */
  own(name: string): OnnxValue {
    const known = this.#own.get(name);
    if (known !== undefined) return known;
    const value: OnnxValue = new Value(name);
    this.#own.set(name, value);
    return value;
  }

  /** The value of that name in the nearest graph that has one. */
  find(name: string): OnnxValue | undefined {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.outer) {
      const known = scope.#own.get(name);
      if (known !== undefined) return known;
    }
    return undefined;
  }

  /** As `find`. Throws `invalid-graph` where there is none. */
  resolve(name: string): OnnxValue {
    const value = this.find(name);
    if (value !== undefined) return value;
    throw new BoltqError("invalid-graph", `nothing produces "${name}", which is read here`, {
      remedy: "Export the model again",
    });
  }
}

async function readGraph(
  bytes: Bytes,
  context: TensorContext,
  outer: Scope | undefined,
  depth: number,
): Promise<OnnxGraph> {
  if (depth > MOST_NESTING) throw new BoltqError("limit", `subgraphs are nested more than ${MOST_NESTING} deep`);
  const message = await WireMessage.read(bytes);
  const scope = new Scope(outer);
  const graph = new Graph<OnnxNodeData>(await message.text(GRAPH.name));
  const valueInfos = new Map<OnnxValue, ValueInfo>();
  const declare = (data: Bytes, lookUp: (name: string) => OnnxValue) => readDeclaration(data, lookUp, valueInfos);
  for (const { data } of message.all(GRAPH.input)) graph.inputs.push(await declare(data, (name) => scope.own(name)));
  if (new Set(graph.inputs).size < graph.inputs.length)
    throw new BoltqError("invalid-graph", `two inputs of the graph "${graph.name}" have one name`);
  const initializers = await readInitializers(message, scope, context);
  for (const { data } of message.all(GRAPH.sparseInitializer)) scope.own(await sparseName(data));
  const nodes = await Promise.all(message.all(GRAPH.node).map(({ data }) => WireMessage.read(data)));
  for (const node of nodes) for (const name of await node.texts(NODE.output)) if (name !== "") scope.own(name);
  // What is said of names that nothing in this graph bears is of no use.
  for (const { data } of message.all(GRAPH.valueInfo))
    await declare(data, (name) => scope.find(name) ?? new Value(name));
  for (const node of nodes) await readNode(node, graph, scope, context, depth);
  for (const { data } of message.all(GRAPH.output)) {
    graph.outputs.push(await declare(data, (name) => scope.resolve(name)));
  }
  return {
    graph,
    initializers,
    valueInfos,
    documentation: await message.text(GRAPH.documentation),
    unknownFields: await message.without(GRAPH_FIELDS),
  };
}

/** Sparse initializers are kept as they are. */
const GRAPH_FIELDS = new Set<number>(Object.values(GRAPH).filter((number) => number !== GRAPH.sparseInitializer));

/** A sparse tensor goes by the name of its values. */
async function sparseName(data: Bytes): Promise<string> {
  const values = (await WireMessage.read(data)).last(SPARSE_TENSOR.values);
  return values === undefined ? "" : (await WireMessage.read(values.data)).text(TENSOR.name);
}

/** `lookUp` finds the value: a graph's output may be one of an outer graph. */
async function readDeclaration(
  data: Bytes,
  lookUp: (name: string) => OnnxValue,
  valueInfos: Map<OnnxValue, ValueInfo>,
): Promise<OnnxValue> {
  const { name, type } = await readValueInfo(data);
  const value = lookUp(name);
  value.type ??= type;
  if (!valueInfos.has(value)) valueInfos.set(value, { name, type: value.type, bytes: await data.read() });
  return value;
}

async function readInitializers(message: WireMessage, scope: Scope, context: TensorContext): Promise<OnnxValue[]> {
  const initializers: OnnxValue[] = [];
  for (const { data } of message.all(GRAPH.initializer)) {
    const tensor = await WireMessage.read(data);
    const value = scope.own(await tensor.text(TENSOR.name));
    value.constant = await readTensor(tensor, context);
    value.type ??= { type: value.constant.type, shape: value.constant.shape };
    initializers.push(value);
  }
  // Of two with one name the last one counts, as for ONNX Runtime.
  return [...new Set(initializers)];
}

const NODE_FIELDS = new Set<number>(Object.values(NODE));

/** Appends the operator of a message to a graph; `depth` counts the graphs around it. */
export async function readNode(
  message: WireMessage,
  graph: Graph<OnnxNodeData>,
  scope: Scope,
  context: TensorContext,
  depth: number,
): Promise<void> {
  const name = await message.text(NODE.name);
  const type = await message.text(NODE.type);
  try {
    const inputs = (await message.texts(NODE.input)).map((input) => (input === "" ? undefined : scope.resolve(input)));
    const outputs = (await message.texts(NODE.output)).map((output) =>
      output === "" ? new Value<OnnxNodeData>("") : scope.own(output),
    );
    const domain = await message.text(NODE.domain);
    graph.append({
      name,
      type,
      inputs,
      outputs,
      data: {
        domain: domain === "ai.onnx" ? "" : domain,
        overload: await message.text(NODE.overload),
        attributes: await readAttributes(message, NODE.attribute, scope, context, depth),
        documentation: await message.text(NODE.documentation),
        unknownFields: await message.without(NODE_FIELDS),
      },
    });
  } catch (error) {
    throw error instanceof BoltqError ? error.within({ subject: `operator "${name}" (${type})` }) : error;
  }
}

/** The attributes in the fields of that number. */
export async function readAttributes(
  owner: WireMessage,
  number: number,
  scope: Scope,
  context: TensorContext,
  depth: number,
): Promise<Map<string, OnnxAttribute>> {
  const attributes = new Map<string, OnnxAttribute>();
  for (const { data } of owner.all(number)) {
    const message = await WireMessage.read(data);
    attributes.set(await message.text(ATTRIBUTE.name), await readAttribute(message, data, scope, context, depth));
  }
  return attributes;
}

const PLAIN_ATTRIBUTE_FIELDS = new Set<number>(Object.values(ATTRIBUTE));
const KINDS = new Map<number, keyof typeof ATTRIBUTE_TYPES>(
  Object.entries(ATTRIBUTE_TYPES).map(([kind, number]) => [number, kind as keyof typeof ATTRIBUTE_TYPES]),
);

/** Old exporters leave the type out: then it is the kind of the one field that is there. */
function kindOf(message: WireMessage): keyof typeof ATTRIBUTE_TYPES | undefined {
  const stated = KINDS.get(message.integer(ATTRIBUTE.type));
  if (stated !== undefined || message.has(ATTRIBUTE.type)) return stated;
  return [...KINDS.values()].find((kind) => message.has(ATTRIBUTE[kind]));
}

async function readAttribute(
  message: WireMessage,
  data: Bytes,
  scope: Scope,
  context: TensorContext,
  depth: number,
): Promise<OnnxAttribute> {
  const kind = kindOf(message);
  const plain = message.fields.every((field) => PLAIN_ATTRIBUTE_FIELDS.has(field.number));
  if (kind === undefined || !plain) return { kind: "raw", value: await data.read() };
  switch (kind) {
    case "float":
      return { kind, value: message.float(ATTRIBUTE.float) };
    case "int":
      return (
        integerAttribute(signed(message.last(ATTRIBUTE.int)?.bits ?? 0n)) ?? { kind: "raw", value: await data.read() }
      );
    case "string":
      return { kind, value: await message.bytes(ATTRIBUTE.string) };
    case "strings":
      return { kind, value: await message.byteStrings(ATTRIBUTE.strings) };
    case "floats":
      return { kind, value: floatsOf(await (await message.fixed32Bytes(ATTRIBUTE.floats)).read()) };
    case "ints":
      return integersAttribute(await message.integers(ATTRIBUTE.ints)) ?? { kind: "raw", value: await data.read() };
    case "tensor":
      return { kind, value: await readTensor(await WireMessage.read(only(message, ATTRIBUTE.tensor)), context) };
    case "tensors":
      return {
        kind,
        value: await Promise.all(
          message.all(ATTRIBUTE.tensors).map(async (field) => readTensor(await WireMessage.read(field.data), context)),
        ),
      };
    case "graph":
      return { kind, value: await readGraph(only(message, ATTRIBUTE.graph), context, scope, depth + 1) };
    case "graphs":
      return {
        kind,
        value: await Promise.all(
          message.all(ATTRIBUTE.graphs).map((field) => readGraph(field.data, context, scope, depth + 1)),
        ),
      };
  }
}

/** Integers that a number holds exactly, and the extremes of int64, which stand for "to the end". */
function exact(value: bigint): boolean {
  return Number.isSafeInteger(Number(value)) || value === 2n ** 63n - 1n || value === -(2n ** 63n);
}

function integerAttribute(value: bigint): OnnxAttribute | undefined {
  return exact(value) ? { kind: "int", value: Number(value) } : undefined;
}

function integersAttribute(values: readonly bigint[]): OnnxAttribute | undefined {
  return values.every(exact) ? { kind: "ints", value: values.map(Number) } : undefined;
}

function only(message: WireMessage, number: number): Bytes {
  const field = message.last(number);
  if (field === undefined) throw new BoltqError("format", "an attribute has a type but no value");
  return field.data;
}

function floatsOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.byteLength / 4) }, (_, index) => view.getFloat32(4 * index, true));
}

async function readValueInfo(bytes: Bytes): Promise<{ name: string; type: TensorType | undefined }> {
  const message = await WireMessage.read(bytes);
  return { name: await message.text(VALUE_INFO.name), type: await readType(message.last(VALUE_INFO.type)?.data) };
}

/** The type, if it is that of a tensor. */
async function readType(bytes: Bytes | undefined): Promise<TensorType | undefined> {
  const tensor = bytes === undefined ? undefined : (await WireMessage.read(bytes)).last(TYPE.tensor);
  if (tensor === undefined) return undefined;
  const message = await WireMessage.read(tensor.data);
  const type = ELEMENT_TYPES[message.integer(TENSOR_TYPE.elementType)];
  const shape = message.last(TENSOR_TYPE.shape);
  return type === undefined
    ? undefined
    : { type, shape: shape === undefined ? undefined : await readShape(shape.data) };
}

async function readShape(bytes: Bytes): Promise<Dimension[]> {
  const dimensions: Dimension[] = [];
  for (const { data } of (await WireMessage.read(bytes)).all(SHAPE.dimension)) {
    const message = await WireMessage.read(data);
    if (message.has(DIMENSION.value)) dimensions.push(message.integer(DIMENSION.value));
    else dimensions.push((await message.text(DIMENSION.parameter)) || undefined);
  }
  return dimensions;
}
