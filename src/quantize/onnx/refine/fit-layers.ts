import type { Sample } from "../../../data/dataset.ts";
import type { DenseTensor } from "../../../graph/tensor.ts";
import type { OnnxModel } from "../../../onnx/model.ts";
import { float32Of } from "../../../onnx/tensor-data.ts";
import { fitInputs } from "../../../runtime/fit-inputs.ts";
import { loadRuntime } from "../../../runtime/load.ts";
import type { Runtime, Session } from "../../../runtime/runtime.ts";
import type { BiasPlan, Plan, WeightPlan } from "../../plan.ts";
import { type FittedPart, fitLayer } from "../../refine/fit-layer.ts";
import type { LayerSamples } from "../../refine/layer-samples.ts";
import { MatrixProducts } from "../../refine/matrix-products.ts";
import { biasOf, weightOf } from "../operator-roles.ts";
import { bytesOf, modelThatGives, quantizedInputModel } from "./partial-model.ts";
import { type RefinableLayer, refinableLayers, withClipLimits } from "./refinable-layers.ts";
import { inputsAt, outputsAt, positionsOf, samplePlaces } from "./sample-places.ts";

export interface FitOptions {
  /** Default: the one that is installed. */
  readonly runtime?: Runtime | undefined;
  /** Let weights change, not only their rounding. Default true. */
  readonly refitWeights?: boolean;
  /** Let biases change. Default true. */
  readonly fitBiases?: boolean;
  /** Called with what is being done, and how much of it is done. */
  readonly onProgress?: ((layers: number, all: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes of float outputs that are kept at a time. */
const TARGET_BYTES = 1 << 26;

/**
 * Fits the weights and biases of a planned model, layer by layer in graph order: each to the inputs that the network quantized
 * so far gives it, so that its outputs are those of the float network. Scales of weights, their codes and biases change.
 * `model` is the float model that the plan was made for.
 */
export async function fitLayers(
  model: OnnxModel,
  plan: Plan,
  examples: readonly Sample[],
  options: FitOptions = {},
): Promise<Plan> {
  const runtime = options.runtime ?? (await loadRuntime());
  const layers = await Promise.all(refinableLayers(model, plan).map((layer) => withClipLimits(layer, model)));
  const walk = new Walk(model, await bytesOf(model), plan, examples, runtime, options);
  try {
    await walk.through(layers);
    return walk.plan;
  } finally {
    await walk.close();
  }
}

class Walk {
  plan: Plan;
  readonly #model: OnnxModel;
  readonly #bytes: Uint8Array;
  readonly #examples: readonly Sample[];
  readonly #runtime: Runtime;
  readonly #options: FitOptions;
  #products: MatrixProducts | undefined;

  constructor(
    model: OnnxModel,
    bytes: Uint8Array,
    plan: Plan,
    examples: readonly Sample[],
    runtime: Runtime,
    options: FitOptions,
  ) {
    this.plan = plan;
    this.#model = model;
    this.#bytes = bytes;
    this.#examples = examples;
    this.#runtime = runtime;
    this.#options = options;
  }

  async through(layers: readonly RefinableLayer[]): Promise<void> {
    this.#products = await MatrixProducts.open(this.#runtime);
    let done = 0;
    for (const batch of batches(layers)) {
      const targets = await this.#targets(batch);
      for (const alike of groupedByInput(batch)) {
        this.#options.signal?.throwIfAborted();
        const inputs = await this.#inputs(alike, targets);
        for (const layer of alike) {
          await this.#fit(layer, targets.get(layer)!, inputs.get(layer)!);
          targets.delete(layer);
          this.#options.onProgress?.(++done, layers.length);
        }
      }
    }
  }

  async close(): Promise<void> {
    await this.#products?.close();
  }

  /** What the float network gives at the sampled places. */
  async #targets(layers: readonly RefinableLayer[]): Promise<Map<RefinableLayer, Targets>> {
    const names = [...new Set(layers.map(({ output }) => output))];
    const session = await this.#open(await modelThatGives(this.#bytes, names));
    const targets = new Map(
      layers.map((layer): [RefinableLayer, Targets] => [layer, { places: [], shapes: [], z: [] }]),
    );
    try {
      for (const [index, { inputs }] of this.#examples.entries()) {
        const outputs = await session.run(fitInputs(session.inputs, inputs), names);
        for (const [layer, { places, shapes, z }] of targets) {
          const tensor = outputs.get(layer.output)!;
          const chosen = this.#places(layer, tensor, index);
          places.push(chosen);
          shapes.push(tensor.shape);
          z.push(outputsAt(layer, tensor, chosen));
        }
      }
    } finally {
      await session.close();
    }
    return targets;
  }

  #places(layer: RefinableLayer, output: DenseTensor, example: number): number[] {
    const wanted = Math.ceil(samplesFor(layer) / this.#examples.length);
    return samplePlaces(positionsOf(layer, output), wanted, layer.index * 1009 + example);
  }

  /** What the network quantized so far gives the layers at the same places; they all read one value. */
  async #inputs(
    layers: readonly RefinableLayer[],
    targets: ReadonlyMap<RefinableLayer, Targets>,
  ): Promise<Map<RefinableLayer, Float32Array[]>> {
    const { bytes, name } = await quantizedInputModel(this.#bytes, this.plan, layers[0]!.operator);
    const session = await this.#open(bytes);
    const rows = new Map(layers.map((layer): [RefinableLayer, Float32Array[]] => [layer, []]));
    try {
      for (const [index, { inputs }] of this.#examples.entries()) {
        const tensor = (await session.run(fitInputs(session.inputs, inputs))).get(name)!;
        for (const layer of layers) {
          const { places, shapes } = targets.get(layer)!;
          rows.get(layer)!.push(inputsAt(layer, tensor, shapes[index]!, places[index]!));
        }
      }
    } finally {
      await session.close();
    }
    return rows;
  }

  async #fit(layer: RefinableLayer, { z }: Targets, x: readonly Float32Array[]): Promise<void> {
    const node = this.#model.main.graph.nodes.find(({ name }) => name === layer.operator)!;
    const weight = rowsOf(await float32Of(weightOf(node)!.value.constant!), layer);
    const bias = await this.#bias(layer, node);
    const [allX, allZ] = [joined(x), joined(z)];
    const parts: FittedPart[] = [];
    for (let group = 0; group < layer.groups; group++) {
      const samples = samplesOf(layer, group, allX, allZ);
      const rows = layer.outputs * layer.inputs;
      const part = {
        weight: weight.subarray(group * rows, (group + 1) * rows),
        bias: bias.subarray(group * layer.outputs, (group + 1) * layer.outputs),
        limits: layer.limits,
        qmax: layer.weight.largest,
        perChannel: layer.weight.granularity === "per-channel",
        leastScales: leastScales(layer, group),
        fitBias: this.#options.fitBiases ?? true,
        refit: (this.#options.refitWeights ?? true) && !(layer.groups > 1 && layer.weight.granularity === "per-tensor"),
        independentSamples: layer.windows === undefined ? this.#examples.length : samples.count,
      };
      parts.push(await fitLayer(part, samples, this.#products!));
    }
    this.#take(layer, parts);
  }

  /** As it is planned now. */
  async #bias(layer: RefinableLayer, node: Parameters<typeof biasOf>[0]): Promise<Float32Array> {
    const planned = this.plan.biases.find(({ operator }) => operator === layer.operator);
    if (planned?.type === "int32") {
      const { scales, codes } = planned;
      return Float32Array.from(codes, (code, channel) => code * scales[scales.length === 1 ? 0 : channel]!);
    }
    const constant = biasOf(node)?.constant;
    return constant === undefined ? new Float32Array(layer.groups * layer.outputs) : float32Of(constant);
  }

  #take(layer: RefinableLayer, parts: readonly FittedPart[]): void {
    const perChannel = layer.weight.granularity === "per-channel";
    const scales = perChannel
      ? parts.flatMap((part) => part.scales)
      : [Math.max(...parts.map((part) => part.scales[0]!))];
    const rows = joinedCodes(parts.map(({ codes }) => codes));
    const weight: WeightPlan = {
      ...layer.weight,
      scales,
      codes: layer.transposed ? transposedCodes(rows, layer) : rows,
      method: "fitted",
    };
    const takesBias = layer.hasBias && (layer.biasName !== undefined || (this.#options.fitBiases ?? true));
    const bias = takesBias ? [biasPlan(layer, scales, parts)] : [];
    this.plan = {
      ...this.plan,
      weights: this.plan.weights.map((one) => (one.operator === layer.operator ? weight : one)),
      biases: [...this.plan.biases.filter(({ operator }) => !layer.hasBias || operator !== layer.operator), ...bias],
    };
  }

  #open(bytes: Uint8Array): Promise<Session> {
    return this.#runtime.createSession(bytes, { placement: "direct", threads: 1 });
  }
}

/** What the float network gives a layer, example by example. */
interface Targets {
  readonly places: number[][];
  /** Of the layer's output. */
  readonly shapes: (readonly number[])[];
  readonly z: Float32Array[];
}

/** Samples over all examples. */
function samplesFor({ groups, inputs, windows }: RefinableLayer): number {
  if (windows === undefined) return 4096;
  if (groups > 1 && inputs < 32) return 1600;
  return Math.min(6000, Math.max(2500, 8 * inputs));
}

/** Layers whose float outputs are kept at a time. */
function batches(layers: readonly RefinableLayer[]): RefinableLayer[][] {
  const found: RefinableLayer[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const layer of layers) {
    const own = 4 * samplesFor(layer) * layer.groups * layer.outputs;
    if (bytes + own > TARGET_BYTES) {
      found.push([]);
      bytes = 0;
    }
    bytes += own;
    found.at(-1)!.push(layer);
  }
  return found;
}

function groupedByInput(layers: readonly RefinableLayer[]): RefinableLayer[][] {
  const groups = new Map<string, RefinableLayer[]>();
  for (const layer of layers) groups.set(layer.input, [...(groups.get(layer.input) ?? []), layer]);
  return [...groups.values()];
}

function samplesOf(
  { groups, inputs, outputs }: RefinableLayer,
  group: number,
  x: Float32Array,
  z: Float32Array,
): LayerSamples {
  const count = x.length / (groups * inputs);
  return {
    count,
    inputs,
    outputs,
    x: columns(x, count, groups * inputs, group * inputs, inputs),
    z: columns(z, count, groups * outputs, group * outputs, outputs),
  };
}

function columns(values: Float32Array, rows: number, stride: number, first: number, width: number): Float32Array {
  if (stride === width) return values;
  const part = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++)
    part.set(values.subarray(row * stride + first, row * stride + first + width), row * width);
  return part;
}

/** A weight as outputs × inputs. */
function rowsOf(weight: Float32Array, { transposed, inputs, outputs }: RefinableLayer): Float32Array {
  if (!transposed) return weight;
  return Float32Array.from(weight, (_, index) => weight[(index % inputs) * outputs + Math.floor(index / inputs)]!);
}

function transposedCodes(rows: Int8Array, { inputs, outputs }: RefinableLayer): Int8Array {
  return Int8Array.from(rows, (_, index) => rows[(index % outputs) * inputs + Math.floor(index / outputs)]!);
}

/** Of int32, one less so that adding the first product cannot wrap. */
const MOST_BIAS = 2 ** 31 - 2;

/** The planned scales: they leave room for biases and for sums of two products, and rows of zeros keep theirs. */
function leastScales({ weight: { scales, granularity }, outputs }: RefinableLayer, group: number): readonly number[] {
  return granularity === "per-tensor" ? scales : scales.slice(group * outputs, (group + 1) * outputs);
}

function biasPlan(layer: RefinableLayer, weightScales: readonly number[], parts: readonly FittedPart[]): BiasPlan {
  const scales = weightScales.map((scale) => Math.fround(scale * layer.inputPlan.scale));
  const codes = parts
    .flatMap(({ bias }) => [...bias])
    .map((value, channel) => {
      const code = Math.round(value / scales[scales.length === 1 ? 0 : channel]!);
      return Math.min(Math.max(code, -MOST_BIAS), MOST_BIAS);
    });
  return { type: "int32", operator: layer.operator, name: layer.biasName, scales, codes };
}

function joined(rows: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(rows.reduce((sum, { length }) => sum + length, 0));
  rows.reduce((at, row) => {
    all.set(row, at);
    return at + row.length;
  }, 0);
  return all;
}

function joinedCodes(rows: readonly Int8Array[]): Int8Array {
  const all = new Int8Array(rows.reduce((sum, { length }) => sum + length, 0));
  rows.reduce((at, row) => {
    all.set(row, at);
    return at + row.length;
  }, 0);
  return all;
}
