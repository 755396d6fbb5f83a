import type { Sample } from "../../data/dataset.ts";
import type { DenseTensor } from "../../graph/tensor.ts";
import { fitInputs } from "../../runtime/fit-inputs.ts";
import type { NamedTensors, Runtime, Session } from "../../runtime/runtime.ts";
import { MatrixProducts } from "./matrix-products.ts";
import { inputsAt, outputsAt, positionsOf, samplePlaces } from "./sample-places.ts";
import type { WalkedLayer } from "./walked-layer.ts";

/** What the layers of a network are given when it is quantized as far as it is fitted. */
export interface InputModel {
  readonly bytes: Uint8Array;
  /** What the layers multiply, among the outputs of a run. */
  readonly inputOf: (outputs: NamedTensors) => DenseTensor;
}

/** Rows of a layer at the sampled places: all groups side by side. */
export interface LayerRows {
  readonly x: Float32Array;
  readonly z: Float32Array;
}

/** A network that is fitted layer by layer. */
export interface WalkedNetwork<Layer extends WalkedLayer> {
  /** In graph order. */
  readonly layers: readonly Layer[];
  /** The part of the float model that gives these values. */
  readonly floatModel: (names: readonly string[]) => Promise<Uint8Array>;
  readonly inputModel: (layer: Layer) => Promise<InputModel>;
  readonly fit: (layer: Layer, rows: LayerRows, products: MatrixProducts) => Promise<void>;
}

export interface WalkOptions {
  readonly runtime: Runtime;
  /** Called with how many layers of how many are done. */
  readonly onProgress?: ((layers: number, all: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes of float outputs that are kept at a time. */
const TARGET_BYTES = 1 << 26;

/**
 * Fits a network's layers in graph order: each to the inputs that the network quantized so far gives it and to the outputs
 * that the float network gives at the same places.
 */
export async function walkLayers<Layer extends WalkedLayer>(
  network: WalkedNetwork<Layer>,
  examples: readonly Sample[],
  { runtime, onProgress, signal }: WalkOptions,
): Promise<void> {
  const products = await MatrixProducts.open(runtime);
  let done = 0;
  try {
    for (const batch of batches(network.layers)) {
      const targets = await targetsOf(network, batch, examples, runtime);
      for (const alike of groupedByInput(batch)) {
        signal?.throwIfAborted();
        const inputs = await inputsOf(network, alike, targets, examples, runtime);
        for (const layer of alike) {
          await network.fit(layer, { x: joined(inputs.get(layer)!), z: joined(targets.get(layer)!.z) }, products);
          targets.delete(layer);
          onProgress?.(++done, network.layers.length);
        }
      }
    }
  } finally {
    await products.close();
  }
}

/** What the float network gives a layer, example by example. */
interface Targets {
  readonly places: number[][];
  /** Of the layer's output. */
  readonly shapes: (readonly number[])[];
  readonly z: Float32Array[];
}

/** What the float network gives at the sampled places. */
async function targetsOf<Layer extends WalkedLayer>(
  network: WalkedNetwork<Layer>,
  layers: readonly Layer[],
  examples: readonly Sample[],
  runtime: Runtime,
): Promise<Map<Layer, Targets>> {
  const names = [...new Set(layers.map(({ output }) => output))];
  const session = await openDirectly(runtime, await network.floatModel(names));
  const targets = new Map(layers.map((layer): [Layer, Targets] => [layer, { places: [], shapes: [], z: [] }]));
  try {
    for (const [index, { inputs }] of examples.entries()) {
      const outputs = await session.run(fitInputs(session.inputs, inputs), names);
      for (const [layer, { places, shapes, z }] of targets) {
        const tensor = outputs.get(layer.output)!;
        const wanted = Math.ceil(samplesFor(layer) / examples.length);
        const chosen = samplePlaces(positionsOf(layer, tensor), wanted, layer.index * 1009 + index);
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

/** What the network quantized so far gives the layers at the same places; they all read one value. */
async function inputsOf<Layer extends WalkedLayer>(
  network: WalkedNetwork<Layer>,
  layers: readonly Layer[],
  targets: ReadonlyMap<Layer, Targets>,
  examples: readonly Sample[],
  runtime: Runtime,
): Promise<Map<Layer, Float32Array[]>> {
  const { bytes, inputOf } = await network.inputModel(layers[0]!);
  const session = await openDirectly(runtime, bytes);
  const rows = new Map(layers.map((layer): [Layer, Float32Array[]] => [layer, []]));
  try {
    for (const [index, { inputs }] of examples.entries()) {
      const tensor = inputOf(await session.run(fitInputs(session.inputs, inputs)));
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

function openDirectly(runtime: Runtime, bytes: Uint8Array): Promise<Session> {
  return runtime.createSession(bytes, { placement: "direct", threads: 1 });
}

/** Samples over all examples. */
function samplesFor({ groups, inputs, windows }: WalkedLayer): number {
  if (windows === undefined) return 4096;
  if (groups > 1 && inputs < 32) return 1600;
  return Math.min(6000, Math.max(2500, 8 * inputs));
}

/** Layers whose float outputs are kept at a time. */
function batches<Layer extends WalkedLayer>(layers: readonly Layer[]): Layer[][] {
  const found: Layer[][] = [];
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

function groupedByInput<Layer extends WalkedLayer>(layers: readonly Layer[]): Layer[][] {
  const groups = new Map<string, Layer[]>();
  for (const layer of layers) groups.set(layer.input, [...(groups.get(layer.input) ?? []), layer]);
  return [...groups.values()];
}

function joined(rows: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(rows.reduce((sum, { length }) => sum + length, 0));
  rows.reduce((at, row) => {
    all.set(row, at);
    return at + row.length;
  }, 0);
  return all;
}
