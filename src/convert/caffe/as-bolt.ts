import { type BoltModel, type BoltValue, type BoltWeight, WeightTable } from "../../bolt/model.ts";
import { newModel, newNodeData, newWeight } from "../../bolt/new-model.ts";
import { type BoltRules, rulesOf } from "../../bolt/rules.ts";
import type { BoltTensorDescription } from "../../bolt/tensor-description.ts";
import { type BoltVersion, NEWEST_BOLT_VERSION } from "../../bolt/version.ts";
import { Graph, Value } from "../../graph/graph.ts";
import { joinedBytes, NO_BYTES } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import { float32Of } from "../../onnx/tensor-data.ts";
import { RETIRED } from "../../transform/bolt/pass.ts";
import { DATA_FORMATS, defaultDataFormat } from "../onnx-to-bolt/data-format.ts";
import type { ConvertOptions } from "../onnx-to-bolt/index.ts";
import { BOLT_LAYERS, BOLT_TYPES } from "./as-bolt-layers.ts";
import { type CaffeLayer, type CaffeNet, missing } from "./net.ts";

/**
 * The Bolt model that Bolt's own reader makes of a net (caffe_adaptee.h), before any rewriting: layer by layer, whatever
 * that computes. Throws BoltqError `unsupported` for what that reader refuses.
 */
export async function netAsBolt(net: CaffeNet, options: ConvertOptions): Promise<BoltModel> {
  refuseUnknownLayers(net);
  const version = options.version ?? NEWEST_BOLT_VERSION;
  const reading = new Reading(version);
  for (const { name, shape } of net.inputs)
    reading.addInput(name, shape, "F32", defaultDataFormat(shape.length, reading.rules));
  for (const layer of net.layers) await reading.addLayer(layer);
  reading.graph.outputs = outputNames(net).map((name) => reading.valueOf(name));
  return newModel({
    version,
    name: net.name,
    inputDescriptions: reading.inputDescriptions,
    graph: reading.graph,
    weights: new WeightTable(reading.weights),
  });
}

function refuseUnknownLayers({ layers }: CaffeNet): void {
  const unknown = layers.filter(
    ({ type }) => type !== "Input" && type !== "Silence" && !Object.hasOwn(BOLT_LAYERS, type),
  );
  if (unknown.length === 0) return;
  const list = unknown.map(({ name, type, text }) => `${type} ("${name}", line ${text.place.line})`).join(", ");
  throw new BoltqError("unsupported", `Bolt's own X2bolt has no such layers: ${list}`, {
    remedy: "Convert without --as-bolt",
  });
}

/** Blobs that are made more often than read, in the order of their names; and those that the net names. */
function outputNames({ inputs, layers, outputs }: CaffeNet): string[] {
  const counts = new Map<string, number>(inputs.map(({ name }) => [name, 1]));
  const count = (name: string, change: number) => counts.set(name, (counts.get(name) ?? 0) + change);
  for (const { type, bottoms, tops } of layers) {
    for (const bottom of bottoms) count(bottom, -1);
    for (const top of type === "Silence" ? [] : tops) count(top, 1);
  }
  for (const name of outputs) if (counts.has(name)) counts.set(name, Math.max(1, counts.get(name)!));
  return [...counts].flatMap(([name, left]) => (left > 0 ? [name] : [])).sort();
}

class Reading {
  readonly graph: BoltModel["graph"] = new Graph();
  readonly weights: BoltWeight[] = [];
  readonly inputDescriptions: BoltTensorDescription[] = [];
  readonly rules: BoltRules;
  readonly #version: BoltVersion;
  readonly #values = new Map<string, BoltValue>();
  /** Names of what SharedWeight layers give: a MatMul that reads one on the right has an empty weight record. */
  readonly #shared = new Set<string>();

  constructor(version: BoltVersion) {
    this.#version = version;
    this.rules = rulesOf(version);
  }

  valueOf(name: string): BoltValue {
    return this.#values.get(name) ?? this.#define(name);
  }

  addInput(
    name: string,
    shape: readonly number[],
    dataType: BoltTensorDescription["dataType"],
    dataFormat: number,
  ): void {
    this.graph.inputs.push(this.#define(name));
    this.inputDescriptions.push({ dataType, dataFormat, dimensions: [...shape].reverse() });
  }

  async addLayer(layer: CaffeLayer): Promise<void> {
    if (layer.type === "Input") this.#addInputLayer(layer);
    if (layer.type === "Input" || layer.type === "Silence") return this.#keepPlace(layer);
    const { type, parameters, weighted } = BOLT_LAYERS[layer.type]!;
    const inputs = layer.bottoms.map((bottom) => this.#read(layer, bottom));
    const outputs = layer.tops.map((top) => this.#define(top));
    const data = newNodeData(type, this.#version, parameters?.(layer, this.rules));
    const node = this.graph.append({ name: layer.name, type, inputs, outputs, data });
    if (type === "SharedWeight") for (const top of layer.tops) this.#shared.add(top);
    const emptyRecord = type === "MatMul" && this.#shared.has(layer.bottoms[1] ?? "");
    if (weighted === true) this.weights.push(weightOf(layer));
    else if (emptyRecord)
      this.weights.push(newWeight(layer.name, { dataType: "F32", weight: NO_BYTES, vector: NO_BYTES }));
    if (type === "BatchNorm") node.data.parameters.set("gama", await inverseCount(layer));
  }

  /** Bolt numbers the operators that it adds by the places of all layers. */
  #keepPlace({ name }: CaffeLayer): void {
    this.graph.append({ name, type: RETIRED, inputs: [], outputs: [], data: newNodeData(RETIRED, this.#version) });
  }

  #addInputLayer(layer: CaffeLayer): void {
    const text = layer.text.message("input_param");
    const shape = text.message("shape").integers("dim");
    const stated = text.word("type", "FLOAT32");
    const dataType = Object.hasOwn(BOLT_TYPES, stated) ? BOLT_TYPES[stated]! : "F32";
    const dataFormat = text.word("format", "NCHW") === "NHWC" ? DATA_FORMATS.NHWC : DATA_FORMATS.NCHW;
    this.addInput(layer.tops[0] ?? layer.name, shape, dataType, dataFormat);
  }

  #read(layer: CaffeLayer, name: string): BoltValue {
    const value = this.#values.get(name);
    if (value !== undefined) return value;
    return layer.type === "Jump" ? this.#define(name) : missing(layer, name);
  }

  #define(name: string): BoltValue {
    const value: BoltValue = new Value(name);
    this.#values.set(name, value);
    return value;
  }
}

/** The first blob, with the third behind it, as weight; the second as vector. A BatchNorm's third goes elsewhere. */
function weightOf({ name, type, blobs }: CaffeLayer): BoltWeight {
  const [first, second, third] = blobs.map(({ data }) => data);
  const parts = [first, type === "BatchNorm" ? undefined : third].filter((part) => part !== undefined);
  const weight = parts.length === 1 ? parts[0]! : joinedBytes(parts);
  return newWeight(name, { dataType: "F32", weight, vector: second ?? NO_BYTES });
}

async function inverseCount({ blobs }: CaffeLayer): Promise<number> {
  const count = blobs[2] === undefined ? 1 : ((await float32Of(blobs[2]))[0] ?? 0);
  return count === 0 ? 1 : 1 / count;
}
