import type { BoltDataType } from "../../src/bolt/data-type.ts";
import { floatBytes } from "../../src/bolt/lazy-floats.ts";
import {
  type BoltModel,
  type BoltNode,
  type BoltNodeData,
  type BoltValue,
  type BoltWeight,
  WeightTable,
} from "../../src/bolt/model.ts";
import { newModel, newNodeData } from "../../src/bolt/new-model.ts";
import type { ParameterValues } from "../../src/bolt/parameters.ts";
import { type BoltVersion, NEWEST_BOLT_VERSION } from "../../src/bolt/version.ts";
import { defaultDataFormat } from "../../src/convert/onnx-to-bolt/data-format.ts";
import { Graph, Value } from "../../src/graph/graph.ts";
import { memoryBytes } from "../../src/io/bytes.ts";

/** The numbers of a weight record: float32 unless `dataType` and `bytes` say otherwise. */
export interface BoltWeightInit {
  readonly weight?: ArrayLike<number>;
  readonly vector?: ArrayLike<number>;
  readonly dataType?: BoltDataType;
  /** The weight as it is stored, instead of `weight`. */
  readonly bytes?: Uint8Array;
  readonly scale?: number;
}

/**
 * An operator: its type, what it reads and gives (a name that is used again means the latest one), its parameters, its
 * weight. It is named as its first output.
 */
export type BoltOperator = readonly [
  type: string,
  inputs: readonly string[],
  outputs: string | readonly string[],
  parameters?: ParameterValues,
  weight?: BoltWeightInit,
];

/** A small Bolt model in short; float32, of the newest version, unless that is given. */
export interface BoltModelInit {
  readonly version?: BoltVersion;
  readonly dataType?: BoltDataType;
  /** Shapes, outermost dimension first. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly inputType?: BoltDataType;
  readonly operators: readonly BoltOperator[];
  readonly outputs: readonly string[];
}

/** Makes a model in memory, as reading its file would. */
export function boltModel(init: BoltModelInit): BoltModel {
  const { version = NEWEST_BOLT_VERSION, inputType = "F32" } = init;
  const graph = new Graph<BoltNodeData>("test");
  const values = new Map<string, BoltValue>();
  const weights = new WeightTable();
  const named = (name: string): BoltValue => values.get(name) ?? fail(`the test model has no value "${name}"`);
  const define = (name: string): BoltValue => {
    const value: BoltValue = new Value(name);
    values.set(name, value);
    return value;
  };
  graph.inputs = Object.keys(init.inputs).map(define);
  for (const [type, inputs, outputs, parameters = {}, weight] of init.operators) {
    const names = typeof outputs === "string" ? [outputs] : outputs;
    const name = names[0]!;
    graph.append({
      name,
      type,
      inputs: inputs.map(named),
      outputs: names.map(define),
      data: newNodeData(type, version, parameters),
    });
    if (weight !== undefined) weights.add(recordOf(name, weight));
  }
  graph.outputs = init.outputs.map(named);
  const model = newModel({
    version,
    name: "test",
    inputDescriptions: Object.values(init.inputs).map((shape) => ({
      dataType: inputType,
      dataFormat: defaultDataFormat(shape.length, "1.5"),
      dimensions: shape.toReversed(),
    })),
    graph,
    weights,
  });
  return { ...model, dataType: init.dataType ?? "F32" };
}

/** The operator of that name. */
export function boltOperator({ graph }: BoltModel, name: string): BoltNode {
  return graph.nodes.find((node) => node.name === name) ?? fail(`the model has no operator "${name}"`);
}

/** Parameters of a 2-D convolution of stride 1 that keeps the size; `kernel` is odd. */
export function convolution(outputs: number, kernel: number, more: ParameterValues = {}): ParameterValues {
  const pad = (kernel - 1) / 2;
  return {
    num_outputs: outputs,
    num_outputs_origin: outputs,
    kernel_t: 1,
    kernel_h: kernel,
    kernel_w: kernel,
    stride_t: 1,
    stride_h: 1,
    stride_w: 1,
    pad_top: pad,
    pad_bottom: pad,
    pad_left: pad,
    pad_right: pad,
    group: 1,
    dilatedRate_t: 1,
    dilatedRate_h: 1,
    dilatedRate_w: 1,
    convolution_type: "POINTWISE",
    round_mode: "CEIL",
    ...more,
  };
}

function recordOf(operator: string, init: BoltWeightInit): BoltWeight {
  return {
    operator,
    dataType: init.dataType ?? "F32",
    weight: init.bytes === undefined ? floatBytes(init.weight ?? []) : memoryBytes(init.bytes),
    vector: floatBytes(init.vector ?? []),
    scales: init.scale === undefined ? [] : [Float32Array.of(init.scale)],
    residue: undefined,
  };
}

function fail(problem: string): never {
  throw new Error(problem);
}
