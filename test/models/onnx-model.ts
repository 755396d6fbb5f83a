import { Graph, Value } from "../../src/graph/graph.ts";
import type { Dimension, ElementType, Tensor } from "../../src/graph/tensor.ts";
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxNodeData, OnnxValue } from "../../src/onnx/model.ts";
import { type AttributeInit, nodeData } from "../../src/onnx/node-data.ts";

type Shape = readonly Dimension[];

/** An operator: its type, what it reads ("" for an input left out), what it gives, its attributes. It is named as its first output. */
export type OnnxOperator = readonly [
  type: string,
  inputs: readonly string[],
  outputs: string | readonly string[],
  attributes?: Readonly<Record<string, AttributeInit | OnnxAttribute>>,
];

/** A small ONNX graph in short. */
export interface OnnxGraphInit {
  /** float32 unless a type is given. */
  readonly inputs?: Readonly<Record<string, Shape | { readonly type: ElementType; readonly shape: Shape }>>;
  readonly constants?: Readonly<Record<string, Tensor>>;
  readonly operators: readonly OnnxOperator[];
  readonly outputs: readonly string[];
}

/** A small ONNX model in short; opset 13 and IR version 8 unless they are given. */
export interface OnnxModelInit extends OnnxGraphInit {
  readonly opset?: number;
  readonly irVersion?: number;
}

/** Makes a model in memory, as reading its file would. */
export function onnxModel({ opset = 13, irVersion = 8, ...graph }: OnnxModelInit): OnnxModel {
  return {
    format: "onnx",
    irVersion,
    opsets: new Map([["", opset]]),
    producerName: "test",
    producerVersion: "",
    domain: "",
    modelVersion: 0,
    documentation: "",
    metadata: new Map(),
    functions: [],
    main: onnxGraph(graph),
    unknownFields: new Uint8Array(0),
  };
}

/** Makes a graph; of a subgraph, `outer` are the values of the graphs around it, by name. */
export function onnxGraph(init: OnnxGraphInit, outer: ReadonlyMap<string, OnnxValue> = new Map()): OnnxGraph {
  const graph = new Graph<OnnxNodeData>("test");
  const values = new Map(outer);
  const named = (name: string): OnnxValue => values.get(name) ?? fail(`the test model has no value "${name}"`);
  const define = (value: OnnxValue): OnnxValue => {
    values.set(value.name, value);
    return value;
  };
  graph.inputs = Object.entries(init.inputs ?? {}).map(([name, type]) =>
    define(new Value(name, { type: "shape" in type ? type : { type: "float32", shape: type } })),
  );
  const initializers = Object.entries(init.constants ?? {}).map(([name, constant]) =>
    define(new Value(name, { type: { type: constant.type, shape: constant.shape }, constant })),
  );
  for (const [type, inputs, outputs, attributes = {}] of init.operators) {
    const names = typeof outputs === "string" ? [outputs] : outputs;
    graph.append({
      name: names[0]!,
      type,
      inputs: inputs.map((name) => (name === "" ? undefined : named(name))),
      outputs: names.map((name) => define(new Value(name))),
      data: dataOf(attributes),
    });
  }
  graph.outputs = init.outputs.map(named);
  return { graph, initializers, valueInfos: new Map(), documentation: "", unknownFields: new Uint8Array(0) };
}

/** The operator of that name. */
export function operatorOf({ main: { graph } }: OnnxModel, name: string): OnnxNode {
  return graph.nodes.find((node) => node.name === name) ?? fail(`the model has no operator "${name}"`);
}

/** The types of a model's operators, in order. */
export function typesOf({ graph }: { readonly graph: Graph<unknown> }): string[] {
  return graph.nodes.map(({ type }) => type);
}

function dataOf(attributes: Readonly<Record<string, AttributeInit | OnnxAttribute>>): OnnxNodeData {
  const data = nodeData();
  for (const [name, value] of Object.entries(attributes)) {
    const attribute =
      typeof value === "object" && "kind" in value ? value : nodeData({ [name]: value }).attributes.get(name)!;
    data.attributes.set(name, attribute);
  }
  return data;
}

function fail(problem: string): never {
  throw new Error(problem);
}
