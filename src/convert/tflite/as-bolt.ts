import { type BoltModel, type BoltValue, type BoltWeight, WeightTable } from "../../bolt/model.ts";
import { newModel, newNodeData, newWeight } from "../../bolt/new-model.ts";
import type { ParameterValues } from "../../bolt/parameters.ts";
import { rulesOf } from "../../bolt/rules.ts";
import type { BoltTensorDescription } from "../../bolt/tensor-description.ts";
import { type BoltVersion, NEWEST_BOLT_VERSION } from "../../bolt/version.ts";
import { Graph, Value } from "../../graph/graph.ts";
import { NO_BYTES } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import { DATA_FORMATS, defaultDataFormat } from "../onnx-to-bolt/data-format.ts";
import type { ConvertOptions } from "../onnx-to-bolt/index.ts";
import { asBolt, channelsFirst, type Reading } from "./as-bolt-operators.ts";
import { storedTensor } from "./constants.ts";
import { subjectOf, type TfliteGraph, type TfliteOperator, type TfliteTensor } from "./read.ts";

/**
 * The Bolt model that Bolt's own reader makes of a TFLite graph (tflite_adaptee.h), before any rewriting: operator by
 * operator, whatever that computes. Float models only. Throws BoltqError `unsupported` for what that reader refuses.
 */
export async function graphAsBolt(graph: TfliteGraph, options: ConvertOptions): Promise<BoltModel> {
  const version = options.version ?? NEWEST_BOLT_VERSION;
  const rules = rulesOf(version);
  const building = new Building(version);
  for (const input of graph.inputs) building.graph.inputs.push(building.define(graph.tensors[input]!.name));
  for (const operator of graph.operators) await building.add(graph, operator);
  building.graph.outputs = graph.outputs.map((output) => building.valueOf(graph.tensors[output]!.name));
  return newModel({
    version,
    name: options.name ?? graph.name,
    inputDescriptions: graph.inputs.map((input) => {
      const tensor = graph.tensors[input]!;
      const shape = channelsFirst(tensor.shape);
      return {
        dataType: typeOf(tensor),
        dataFormat: defaultDataFormat(shape.length, rules),
        dimensions: [...shape].reverse(),
      };
    }),
    graph: building.graph,
    weights: new WeightTable([...building.sharedWeights, ...building.weights]),
  });
}

function typeOf({ name, type }: TfliteTensor): "F32" | "I32" {
  if (type === "float32") return "F32";
  if (type === "int32") return "I32";
  throw new BoltqError("unsupported", `Bolt's own X2bolt refuses tensors of type ${type}`, {
    subject: `tensor "${name}"`,
    remedy: "Convert without --as-bolt",
  });
}

class Building {
  readonly graph: BoltModel["graph"] = new Graph();
  readonly weights: BoltWeight[] = [];
  readonly sharedWeights: BoltWeight[] = [];
  readonly #version: BoltVersion;
  readonly #values = new Map<string, BoltValue>();
  /** Constants that a Concat made a shared weight of: those it does not repeat. */
  readonly #pinned = new Set<string>();

  constructor(version: BoltVersion) {
    this.#version = version;
  }

  define(name: string): BoltValue {
    const value: BoltValue = new Value(name);
    this.#values.set(name, value);
    return value;
  }

  valueOf(name: string): BoltValue {
    return this.#values.get(name) ?? this.define(name);
  }

  async add(graph: TfliteGraph, operator: TfliteOperator): Promise<void> {
    const name = `op${operator.index}`;
    const tensorOf = (index: number) => graph.tensors[operator.inputs[index] ?? -1];
    const reading: Reading = {
      operator,
      tensor: (index) => tensorOf(index) ?? missing(operator, index),
      result: graph.tensors[operator.outputs[0]!]!,
    };
    const made = await asBolt(reading);
    // Each is put just before the operator, so that the last one comes first.
    for (const index of (made.sharedWeights ?? []).toReversed())
      this.#addSharedWeight(reading.tensor(index), made.type);
    const inputs = operator.inputs.flatMap((_, index) => tensorOf(index)?.name ?? []);
    const count = made.inputs ?? inputs.length;
    const first = made.firstInput ?? 0;
    const outputs = operator.outputs.map((output) => graph.tensors[output]!.name);
    this.#append(name, made.type, inputs.slice(first, first + count), outputs, made.parameters ?? {});
    if (made.weight !== undefined) {
      const [weight, vector] = made.weight;
      this.weights.push(newWeight(name, { dataType: "F32", weight, vector }));
    }
    const activation = ACTIVATIONS[made.activation ?? 0];
    if (activation !== undefined) this.#append(outputs[0]!, activation, [outputs[0]!], [outputs[0]!], {});
  }

  #addSharedWeight(tensor: TfliteTensor, user: string): void {
    const { name, shape } = tensor;
    if (user === "Concat" && this.#pinned.has(name)) return;
    if (user === "Concat") this.#pinned.add(name);
    const dataType = typeOf(tensor);
    if (shape.length === 4) {
      throw new BoltqError("unsupported", "a constant map is not known as Bolt's own X2bolt writes it", {
        subject: `tensor "${name}"`,
        remedy: "Convert without --as-bolt",
      });
    }
    const desc: BoltTensorDescription = {
      dataType,
      dataFormat: shape.length === 0 ? DATA_FORMATS.SCALAR : defaultDataFormat(shape.length, rulesOf(this.#version)),
      dimensions: shape.length === 0 ? [1] : [...shape].reverse(),
    };
    this.#append(name, "SharedWeight", [], [name], { desc });
    this.sharedWeights.push(newWeight(name, { dataType, weight: storedTensor(tensor).data, vector: NO_BYTES }));
  }

  #append(
    name: string,
    type: string,
    inputs: readonly string[],
    outputs: readonly string[],
    parameters: ParameterValues,
  ): void {
    const data = newNodeData(type, this.#version, parameters);
    const read = inputs.map((input) => this.valueOf(input));
    this.graph.append({ name, type, inputs: read, outputs: outputs.map((output) => this.define(output)), data });
  }
}

/** Operators that Bolt's reader puts behind another for its activation. */
const ACTIVATIONS: readonly (string | undefined)[] = [undefined, "Relu", undefined, "Relu6"];

function missing(operator: TfliteOperator, index: number): never {
  throw new BoltqError("format", `its input ${index} is missing`, { subject: subjectOf(operator) });
}
