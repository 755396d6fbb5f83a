import type { TensorType } from "../graph/tensor.ts";
import { type Bytes, chunksOf } from "../io/bytes.ts";
import { BoltqError } from "../io/error.ts";
import { WireWriter } from "../io/protobuf.ts";
import type { Target } from "../io/target.ts";
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from "./model.ts";
import {
  ATTRIBUTE,
  ATTRIBUTE_TYPES,
  DIMENSION,
  ENTRY,
  elementTypeNumber,
  GRAPH,
  MODEL,
  NODE,
  OPSET,
  SHAPE,
  TENSOR,
  TENSOR_TYPE,
  TYPE,
  VALUE_INFO,
} from "./schema.ts";
import { int64Of } from "./tensor-data.ts";

/** Protobuf messages end at 2 GiB. */
const MOST_MESSAGE_BYTES = 2 ** 31 - 1;

/** Tensors below this stay in the model even when the others go to a file of their own. */
const LEAST_EXTERNAL_BYTES = 1024;

const EXTERNAL_ALIGNMENT = 64;

/** Files for tensor data that does not go into the model itself, numbered from 0. */
export interface ExternalFiles {
  /** The file's name as the model shall state it, relative to the model. */
  readonly location: (index: number) => string;
  /** Called once for each file that is needed. */
  readonly open: (index: number) => Target;
  /** Where data lies in a file already, which the model names too; undefined: it is written. */
  readonly found?: ((data: Bytes) => ExternalPlace | undefined) | undefined;
  /** Bytes that a file holds at most, before the next one begins; a tensor that has more is alone. Default: any number. */
  readonly mostBytes?: number | undefined;
}

/** Where external data lies: a file, relative to the model, and the first byte in it. */
export interface ExternalPlace {
  readonly location: string;
  readonly offset: number;
}

/** What lies beside the file of an ONNX model that is written. */
export interface WriteOnnxOptions {
  /** Write large tensors to these files instead of into the model. Needed above 2 GiB. */
  externalData?: ExternalFiles;
}

/**
 * Writes an ONNX model; tensor data is streamed from where it is. Does not commit the targets. Throws `unsupported` when
 * the model passes 2 GiB and no external files are given.
 */
export async function writeOnnx(model: OnnxModel, target: Target, options: WriteOnnxOptions = {}): Promise<void> {
  const external = options.externalData === undefined ? undefined : new ExternalParts(options.externalData);
  const message = modelMessage(model, external);
  refuseTooLong(message, target.name);
  for (const [index, parts] of (external?.files ?? []).entries()) {
    await copyParts(parts, options.externalData!.open(index));
  }
  await copyParts(message.parts(), target);
}

function refuseTooLong({ length }: WireWriter, file: string): void {
  if (length <= MOST_MESSAGE_BYTES) return;
  throw new BoltqError(
    "unsupported",
    `the model would have ${length} bytes, more than the 2 GiB that an ONNX file can have`,
    { file, remedy: "Write its weights to a file of their own (external data)" },
  );
}

/** How many bytes the model takes in one file, weights included. */
export function encodedLength(model: OnnxModel): number {
  return modelMessage(model, undefined).length;
}

/** Whether the model with its weights is too large for one file. */
export function needsExternalData(model: OnnxModel): boolean {
  return encodedLength(model) > MOST_MESSAGE_BYTES;
}

/** The model as one buffer, for a runtime that takes no file. Throws BoltqError `unsupported` when it passes 2 GiB. */
export async function encodeOnnx(model: OnnxModel): Promise<Uint8Array> {
  const message = modelMessage(model, undefined);
  refuseTooLong(message, model.main.graph.name);
  const whole = new Uint8Array(message.length);
  let offset = 0;
  for (const part of message.parts()) {
    for await (const chunk of chunksOf(part)) {
      whole.set(chunk, offset);
      offset += chunk.byteLength;
    }
  }
  return whole;
}

async function copyParts(parts: readonly Bytes[], target: Target): Promise<void> {
  for (const part of parts) for await (const chunk of chunksOf(part)) await target.write(chunk);
}

/** The data of external files, tensor after tensor. */
class ExternalParts {
  readonly files: Bytes[][] = [];
  readonly #location: (index: number) => string;
  readonly #found: NonNullable<ExternalFiles["found"]>;
  readonly #mostBytes: number;
  /** Bytes of the last file so far. */
  #length = 0;

  constructor({ location, found = () => undefined, mostBytes = Number.POSITIVE_INFINITY }: ExternalFiles) {
    this.#location = location;
    this.#found = found;
    this.#mostBytes = mostBytes;
  }

  /** Takes up `data`, unless it lies somewhere; returns where it will lie. */
  add(data: Bytes): ExternalPlace {
    return this.#found(data) ?? this.#append(data);
  }

  #append(data: Bytes): ExternalPlace {
    const padding = (EXTERNAL_ALIGNMENT - (this.#length % EXTERNAL_ALIGNMENT)) % EXTERNAL_ALIGNMENT;
    const isFull = this.#length > 0 && this.#length + padding + data.length > this.#mostBytes;
    const offset = isFull ? 0 : this.#length + padding;
    if (isFull || this.files.length === 0) this.files.push([data]);
    else this.files.at(-1)!.push(zeros(padding), data);
    this.#length = offset + data.length;
    return { location: this.#location(this.files.length - 1), offset };
  }
}

function zeros(count: number): Bytes {
  return { length: count, read: async (_offset = 0, length = count) => new Uint8Array(length) };
}

function modelMessage(model: OnnxModel, external: ExternalParts | undefined): WireWriter {
  const writer = new WireWriter();
  writer.integer(MODEL.irVersion, model.irVersion);
  text(writer, MODEL.producerName, model.producerName);
  text(writer, MODEL.producerVersion, model.producerVersion);
  text(writer, MODEL.domain, model.domain);
  if (model.modelVersion !== 0) writer.integer(MODEL.modelVersion, model.modelVersion);
  text(writer, MODEL.documentation, model.documentation);
  writer.message(MODEL.graph, graphMessage(model.main, external));
  for (const [domain, version] of model.opsets) {
    const opset = new WireWriter();
    text(opset, OPSET.domain, domain);
    opset.integer(OPSET.version, version);
    writer.message(MODEL.opsetImport, opset);
  }
  for (const [key, value] of model.metadata) writer.message(MODEL.metadata, entryMessage(key, value));
  for (const { bytes } of model.functions) writer.bytes(MODEL.functions, bytes);
  writer.raw(model.unknownFields);
  return writer;
}

/** Empty text is what protobuf means by absence. */
function text(writer: WireWriter, number: number, value: string): void {
  if (value !== "") writer.text(number, value);
}

function entryMessage(key: string, value: string): WireWriter {
  const entry = new WireWriter();
  entry.text(ENTRY.key, key);
  entry.text(ENTRY.value, value);
  return entry;
}

function graphMessage(graph: OnnxGraph, external: ExternalParts | undefined): WireWriter {
  const writer = new WireWriter();
  const { inputs, outputs, nodes, name } = graph.graph;
  for (const node of nodes) writer.message(GRAPH.node, nodeMessage(node, external));
  writer.text(GRAPH.name, name);
  for (const value of graph.initializers) {
    if (value.constant !== undefined)
      writer.message(GRAPH.initializer, tensorMessage(value.constant, value.name, external));
  }
  text(writer, GRAPH.documentation, graph.documentation);
  for (const input of inputs) valueInfo(writer, GRAPH.input, input, graph);
  for (const output of outputs) valueInfo(writer, GRAPH.output, output, graph);
  const stated = new Set([...inputs, ...outputs]);
  for (const value of graph.valueInfos.keys()) {
    if (!stated.has(value) && (value.producer !== undefined || value.constant !== undefined))
      valueInfo(writer, GRAPH.valueInfo, value, graph);
  }
  writer.raw(graph.unknownFields);
  return writer;
}

/** The value info as read, while name and type are still those; else one made anew. */
function valueInfo(writer: WireWriter, number: number, value: OnnxValue, graph: OnnxGraph): void {
  const read = graph.valueInfos.get(value);
  if (read !== undefined && read.name === value.name && read.type === value.type) {
    writer.bytes(number, read.bytes);
    return;
  }
  const info = new WireWriter();
  info.text(VALUE_INFO.name, value.name);
  if (value.type !== undefined) info.message(VALUE_INFO.type, typeMessage(value.type));
  writer.message(number, info);
}

function typeMessage({ type, shape }: TensorType): WireWriter {
  const tensor = new WireWriter();
  tensor.integer(TENSOR_TYPE.elementType, elementTypeNumber(type));
  if (shape !== undefined) {
    const dimensions = new WireWriter();
    for (const size of shape) {
      const dimension = new WireWriter();
      if (typeof size === "number") dimension.integer(DIMENSION.value, size);
      else if (size !== undefined) dimension.text(DIMENSION.parameter, size);
      dimensions.message(SHAPE.dimension, dimension);
    }
    tensor.message(TENSOR_TYPE.shape, dimensions);
  }
  const writer = new WireWriter();
  writer.message(TYPE.tensor, tensor);
  return writer;
}

/** A NodeProto. */
export function nodeMessage(node: OnnxNode, external: ExternalParts | undefined): WireWriter {
  const { domain, overload, attributes, documentation, unknownFields } = node.data;
  const writer = new WireWriter();
  for (const input of node.inputs) writer.text(NODE.input, input?.name ?? "");
  for (const output of node.outputs) writer.text(NODE.output, output.name);
  text(writer, NODE.name, node.name);
  writer.text(NODE.type, node.type);
  for (const [name, attribute] of attributes) {
    if (attribute.kind === "raw") writer.bytes(NODE.attribute, attribute.value);
    else writer.message(NODE.attribute, attributeMessage(name, attribute, external));
  }
  text(writer, NODE.documentation, documentation);
  text(writer, NODE.domain, domain);
  text(writer, NODE.overload, overload);
  writer.raw(unknownFields);
  return writer;
}

function attributeMessage(
  name: string,
  attribute: Exclude<OnnxAttribute, { kind: "raw" }>,
  external: ExternalParts | undefined,
): WireWriter {
  const writer = new WireWriter();
  writer.text(ATTRIBUTE.name, name);
  switch (attribute.kind) {
    case "float":
      writer.float(ATTRIBUTE.float, attribute.value);
      break;
    case "int":
      writer.integer(ATTRIBUTE.int, int64Of(attribute.value));
      break;
    case "string":
      writer.bytes(ATTRIBUTE.string, attribute.value);
      break;
    case "tensor":
      writer.message(ATTRIBUTE.tensor, tensorMessage(attribute.value, undefined, external));
      break;
    case "graph":
      writer.message(ATTRIBUTE.graph, graphMessage(attribute.value, external));
      break;
    case "floats":
      for (const value of attribute.value) writer.float(ATTRIBUTE.floats, value);
      break;
    case "ints":
      for (const value of attribute.value) writer.integer(ATTRIBUTE.ints, int64Of(value));
      break;
    case "strings":
      for (const value of attribute.value) writer.bytes(ATTRIBUTE.strings, value);
      break;
    case "tensors":
      for (const value of attribute.value) writer.message(ATTRIBUTE.tensors, tensorMessage(value, undefined, external));
      break;
    case "graphs":
      for (const value of attribute.value) writer.message(ATTRIBUTE.graphs, graphMessage(value, external));
      break;
  }
  writer.integer(ATTRIBUTE.type, ATTRIBUTE_TYPES[attribute.kind]);
  return writer;
}

/** `name` undefined: the name that the tensor was read with. */
function tensorMessage(tensor: OnnxTensor, name: string | undefined, external: ExternalParts | undefined): WireWriter {
  const writer = new WireWriter();
  if (tensor.shape.length > 0) writer.packed(TENSOR.dimensions, tensor.shape);
  writer.integer(TENSOR.dataType, elementTypeNumber(tensor.type));
  text(writer, TENSOR.name, name ?? tensor.name ?? "");
  if (tensor.type === "string") for (const element of tensor.strings ?? []) writer.bytes(TENSOR.stringData, element);
  else if (external !== undefined && tensor.data.length >= LEAST_EXTERNAL_BYTES)
    externalEntries(writer, tensor.data, external);
  else writer.lazyBytes(TENSOR.rawData, tensor.data);
  if (tensor.extra !== undefined) writer.raw(tensor.extra);
  return writer;
}

function externalEntries(writer: WireWriter, data: Bytes, external: ExternalParts): void {
  const { location, offset } = external.add(data);
  for (const [key, value] of [
    ["location", location],
    ["offset", `${offset}`],
    ["length", `${data.length}`],
  ] as const) {
    writer.message(TENSOR.externalData, entryMessage(key, value));
  }
  writer.integer(TENSOR.dataLocation, 1);
}
