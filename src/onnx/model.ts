import type { Graph, Node, Value } from "../graph/graph.ts";
import type { Tensor, TensorType } from "../graph/tensor.ts";

/** A tensor with what its file says beside the data. */
export interface OnnxTensor extends Tensor {
  /** Its name in the file; an initializer goes by its value's name instead. */
  readonly name?: string;
  /** Documentation, metadata and unknown fields, as wire bytes. */
  readonly extra?: Uint8Array;
}

/** A value info as it was read, to be written again while the value still has that name and type. */
export interface ValueInfo {
  readonly name: string;
  readonly type: TensorType | undefined;
  readonly bytes: Uint8Array;
}

/** An attribute of an ONNX operator, by the kind its file names. Of integers beyond 2^53 only the extremes of int64 are taken apart. */
export type OnnxAttribute =
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "string"; readonly value: Uint8Array }
  | { readonly kind: "tensor"; readonly value: OnnxTensor }
  | { readonly kind: "graph"; readonly value: OnnxGraph }
  | { readonly kind: "floats"; readonly value: readonly number[] }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "strings"; readonly value: readonly Uint8Array[] }
  | { readonly kind: "tensors"; readonly value: readonly OnnxTensor[] }
  | { readonly kind: "graphs"; readonly value: readonly OnnxGraph[] }
  /** Kinds kept as they are: sparse tensors, type protos, references to a function's attributes. */
  | { readonly kind: "raw"; readonly value: Uint8Array };

/** What the ONNX dialect adds to a node. */
export interface OnnxNodeData {
  /** Operator domain; "" is ai.onnx. */
  domain: string;
  /** Overload of a model-local function, "" if none. */
  overload: string;
  attributes: Map<string, OnnxAttribute>;
  documentation: string;
  /** Fields unknown to this reader, as wire bytes, written back as they were. */
  unknownFields: Uint8Array;
}

/** An operator of an ONNX graph. */
export type OnnxNode = Node<OnnxNodeData>;
/** A tensor of an ONNX graph, or a constant. */
export type OnnxValue = Value<OnnxNodeData>;

/**
 * A graph or subgraph. Constants (initializers) are values with `constant` set; `graph.inputs` may contain some of them
 * (models before IR version 4). In a subgraph, a value of an outer graph is the same `Value` object.
 */
export interface OnnxGraph {
  readonly graph: Graph<OnnxNodeData>;
  /** Initializers in file order, also those that nothing uses. */
  initializers: OnnxValue[];
  /** What the file states of types: of inputs, outputs, and values between. */
  valueInfos: Map<OnnxValue, ValueInfo>;
  documentation: string;
  unknownFields: Uint8Array;
}

/** A model-local function, kept as wire bytes: boltq reads none of it. */
export interface OnnxFunction {
  readonly domain: string;
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** An `.onnx` file, read: all that is needed to write it again. */
export interface OnnxModel {
  readonly format: "onnx";
  irVersion: number;
  /** Opset version by domain; "" is ai.onnx. */
  opsets: Map<string, number>;
  producerName: string;
  producerVersion: string;
  domain: string;
  modelVersion: number;
  documentation: string;
  metadata: Map<string, string>;
  functions: OnnxFunction[];
  main: OnnxGraph;
  unknownFields: Uint8Array;
}

/** Type and name of a graph input or output, for callers that need no graph. */
export interface Signature {
  readonly name: string;
  readonly type: TensorType | undefined;
}
