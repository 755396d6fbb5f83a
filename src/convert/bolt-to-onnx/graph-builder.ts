import { Graph, Value } from "../../graph/graph.ts";
import { type Dimension, type ElementType, elementCount, type Tensor } from "../../graph/tensor.ts";
import { BoltqError } from "../../io/error.ts";
import type { OnnxGraph, OnnxModel, OnnxNodeData, OnnxValue } from "../../onnx/model.ts";
import { type AttributeInit, nodeData } from "../../onnx/node-data.ts";
import { tensorOf } from "../../onnx/tensor-data.ts";

/** Opset that raised models use: LayerNormalization and GridSample are in it, ReduceMean still takes attributes. */
const OPSET = 17;
const IR_VERSION = 8;

export type Shape = readonly Dimension[];

/** Options of one new node. */
export interface OperationOptions {
  /** Name of the node; made unique. */
  readonly name: string;
  readonly attributes?: Readonly<Record<string, AttributeInit>>;
  /** Element type of the first output; default that of the first input. */
  readonly type?: ElementType;
  /** Shape of the first output; default that of the first input; null: unknown. */
  readonly shape?: Shape | null;
  /** Types and shapes of all outputs, where there are several. */
  readonly outputs?: readonly { readonly type: ElementType; readonly shape: Shape | undefined }[];
}

/** Builds an ONNX graph front to back; every value and node gets a name of its own. */
export class GraphBuilder {
  readonly #graph = new Graph<OnnxNodeData>();
  readonly #initializers: OnnxValue[] = [];
  readonly #names = new Set<string>();

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
    return this.constant(
      name,
      tensorOf(
        "int64",
        shape,
        BigInt64Array.from(values, (value) => BigInt(Math.trunc(value))),
      ),
    );
  }

  /** Adds a node with one output. */
  add(type: string, inputs: readonly (OnnxValue | undefined)[], options: OperationOptions): OnnxValue {
    return this.addMany(type, inputs, options)[0]!;
  }

  /** Adds a node with as many outputs as `options.outputs` has. */
  addMany(type: string, inputs: readonly (OnnxValue | undefined)[], options: OperationOptions): readonly OnnxValue[] {
    const name = this.unique(options.name);
    const first = inputs[0]?.type;
    const described = options.outputs ?? [
      {
        type: options.type ?? first?.type ?? "float32",
        shape: options.shape === null ? undefined : (options.shape ?? first?.shape),
      },
    ];
    for (const { shape } of described) checkWhole(shape ?? []);
    for (const value of Object.values(options.attributes ?? {})) if (typeof value !== "string") checkAttribute(value);
    const outputs = described.map(
      (output, index): OnnxValue =>
        new Value(this.unique(index === 0 ? `${name}:0` : `${name}:${index}`), { type: output }),
    );
    this.#graph.append({ name, type, inputs, outputs, data: nodeData(options.attributes ?? {}) });
    return outputs;
  }

  unique(name: string): string {
    let candidate = name;
    for (let count = 2; this.#names.has(candidate); count++) candidate = `${name}~${count}`;
    this.#names.add(candidate);
    return candidate;
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

function checkAttribute(value: Exclude<AttributeInit, string>): void {
  if (typeof value === "number") checkWhole([value]);
  else if (!("float" in value)) checkWhole(value);
}
