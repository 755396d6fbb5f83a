import { Graph, Value } from "../graph/graph.ts";
import { type Dimension, type ElementType, elementCount, type Tensor, type TensorType } from "../graph/tensor.ts";
import { BoltqError } from "../io/error.ts";
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxNodeData, OnnxValue } from "../onnx/model.ts";
import { type AttributeInit, type AttributeInits, nodeData } from "../onnx/node-data.ts";
import { SHAPE_RULES } from "../onnx/shape-rules/index.ts";
import { nodeFacts } from "../onnx/shape-rules/shape-rule.ts";
import { integerTensor, tensorOf } from "../onnx/tensor-data.ts";

/** Opset of the models that are built: LayerNormalization and GridSample are in it, ReduceMean still takes attributes. */
export const OPSET = 17;
const IR_VERSION = 8;

export type Shape = readonly Dimension[];

/** Options of one new node. */
export interface OperationOptions {
  /** Name of the node; made unique. */
  readonly name: string;
  readonly attributes?: AttributeInits;
  /** Element type of the first output, where it is not what ONNX's rules say. */
  readonly type?: ElementType;
  /** Shape of the first output, where more is known than ONNX's rules say. */
  readonly shape?: Shape;
  /** The number of outputs, or the type of each; default 1. */
  readonly outputs?: number | readonly TensorType[];
}

/** Builds an ONNX graph front to back; every value and node gets a name of its own. */
export class GraphBuilder {
  readonly #graph = new Graph<OnnxNodeData>();
  readonly #initializers: OnnxValue[] = [];
  readonly #names = new Set<string>();
  /** The elements of integer constants: shapes follow from them. */
  readonly #integers = new Map<OnnxValue, readonly number[]>();

  constructor(name: string) {
    this.#graph.name = name === "" ? "graph" : name;
  }

  /** Keeps `name` for later: nothing else gets it. */
  reserve(name: string): void {
    this.#names.add(name);
  }

  input(name: string, type: ElementType, shape: Shape): OnnxValue {
    this.#names.add(name);
    const value: OnnxValue = new Value(name, { type: { type, shape } });
    this.#graph.inputs.push(value);
    return value;
  }

  output(value: OnnxValue): void {
    this.#graph.outputs.push(value);
  }

  /** A constant; `name` is made unique. */
  constant(name: string, tensor: Tensor): OnnxValue {
    checkWhole(tensor.shape);
    if (tensor.shape.some((size) => size < 0)) refuseSizes(tensor.shape);
    const value: OnnxValue = new Value(this.unique(name), {
      type: { type: tensor.type, shape: tensor.shape },
      constant: tensor,
    });
    this.#initializers.push(value);
    return value;
  }

  floats(
    name: string,
    values: readonly number[] | Float32Array,
    shape: readonly number[] = [values.length],
  ): OnnxValue {
    return this.constant(name, tensorOf("float32", shape, Float32Array.from(values)));
  }

  scalar(name: string, value: number): OnnxValue {
    return this.floats(name, [value], []);
  }

  integers(name: string, values: readonly number[], shape: readonly number[] = [values.length]): OnnxValue {
    if (!values.every(Number.isSafeInteger)) refuseSizes(values);
    const constant = this.constant(name, integerTensor(shape, values));
    this.#integers.set(constant, values);
    return constant;
  }

  /** Adds a node with one output. */
  add(type: string, inputs: readonly (OnnxValue | undefined)[], options: OperationOptions): OnnxValue {
    return this.addMany(type, inputs, options)[0]!;
  }

  /** Adds a node with as many outputs as `options.outputs` says. */
  addMany(type: string, inputs: readonly (OnnxValue | undefined)[], options: OperationOptions): readonly OnnxValue[] {
    const name = this.unique(options.name);
    const { attributes = {}, outputs = 1 } = options;
    for (const value of Object.values(attributes)) if (value !== undefined) checkAttribute(value);
    const values = Array.from({ length: typeof outputs === "number" ? outputs : outputs.length }, (_, index) => {
      const value: OnnxValue = new Value(this.unique(`${name}:${index}`));
      return value;
    });
    const node = this.#graph.append({ name, type, inputs, outputs: values, data: nodeData(attributes) });
    const types = typeof outputs === "number" ? this.#inferTypes(node, options) : outputs;
    values.forEach((value, index) => {
      value.type = types[index];
      checkWhole(value.type?.shape ?? []);
    });
    return values;
  }

  #inferTypes(node: OnnxNode, { type, shape }: OperationOptions): readonly (TensorType | undefined)[] {
    const rule = SHAPE_RULES[node.type];
    const types = rule?.infer(nodeFacts(node, OPSET, (value) => this.#integers.get(value))) ?? [];
    const first = { type: type ?? types[0]?.type ?? "float32", shape: shape ?? types[0]?.shape };
    return [first, ...types.slice(1)];
  }

  unique(name: string): string {
    let candidate = name;
    for (let count = 2; this.#names.has(candidate); count++) candidate = `${name}~${count}`;
    this.#names.add(candidate);
    return candidate;
  }

  /** Takes out operators and constants whose results nothing reads. */
  removeUnused(): void {
    const outputs = new Set(this.#graph.outputs);
    const isUnread = (value: OnnxValue) => !value.used && !outputs.has(value);
    for (const node of this.#graph.nodes.toReversed()) if (node.outputs.every(isUnread)) this.#graph.remove(node);
    const read = this.#initializers.filter((value) => !isUnread(value));
    this.#initializers.splice(0, this.#initializers.length, ...read);
  }

  finish(producerVersion: string): OnnxModel {
    const main: OnnxGraph = {
      graph: this.#graph,
      initializers: this.#initializers,
      valueInfos: new Map(),
      documentation: "",
      unknownFields: new Uint8Array(0),
    };
    return {
      format: "onnx",
      irVersion: IR_VERSION,
      opsets: new Map([["", OPSET]]),
      producerName: "boltq",
      producerVersion,
      domain: "",
      modelVersion: 0,
      documentation: "",
      metadata: new Map(),
      functions: [],
      main,
      unknownFields: new Uint8Array(0),
    };
  }
}

/** Whether `shape` is known in every dimension. */
export function isStatic(shape: Shape | undefined): shape is readonly number[] {
  return shape?.every((size) => typeof size === "number") ?? false;
}

/** Number of elements, or undefined where a dimension is unknown. */
export function countOf(shape: Shape | undefined): number | undefined {
  return isStatic(shape) ? elementCount(shape) : undefined;
}

/** Sizes of a damaged file come out as fractions or beyond what can be counted. Throws BoltqError `format`. */
function checkWhole(values: readonly Dimension[]): void {
  if (!values.every((value) => typeof value !== "number" || Number.isSafeInteger(value))) refuseSizes(values);
}

function refuseSizes(values: readonly Dimension[]): never {
  throw new BoltqError("format", `its sizes come out as ${values.slice(0, 8).join(" x ")}`, {
    remedy: "The file is damaged; convert the original model again",
  });
}

function checkAttribute(value: AttributeInit): void {
  if (typeof value === "number") checkWhole([value]);
  else if (Array.isArray(value)) checkWhole(value);
}
