import type { Sample } from "../../data/dataset.ts";
import type { DenseTensor } from "../../graph/tensor.ts";
import { fitInputs } from "../../runtime/fit-inputs.ts";
import type { NamedTensors, Runtime, Session } from "../../runtime/runtime.ts";
import type { SampleHalf } from "./layer-samples.ts";
import { MatrixProducts } from "./matrix-products.ts";
import type { StartValue } from "./partial-model.ts";
import {
  type CodeGrid,
  inputsAt,
  outputsAt,
  type PlacedRows,
  positionsOf,
  samplePlaces,
  sideBySide,
} from "./sample-places.ts";
import type { WalkedLayer } from "./walked-layer.ts";

/** What the layers of a network are given when it is quantized as far as it is fitted. */
export interface InputModel {
  readonly bytes: Uint8Array;
  /** What the layers multiply, among the outputs of a run: real numbers, or codes on `grid`. */
  readonly inputOf: (outputs: NamedTensors) => DenseTensor;
  readonly grid?: CodeGrid | undefined;
  /** The output that can be kept as a start of what comes behind; undefined: none. */
  readonly startName?: string | undefined;
}

/** Rows of a layer at the sampled places, those of all groups; examples with even and with odd places. */
export type LayerRows = readonly [SampleHalf, SampleHalf];

/** A network that is fitted layer by layer. */
export interface WalkedNetwork<Layer extends WalkedLayer> {
  /** In graph order. */
  readonly layers: readonly Layer[];
  /** The part of the float model that gives these values, from the network's inputs on or from the value `start`. */
  readonly floatModel: (names: readonly string[], start?: StartValue) => Promise<Uint8Array>;
  /** The part of the model quantized so far that gives what a layer reads, from the inputs or from the value `start` on. */
  readonly inputModel: (layer: Layer, start?: StartValue) => Promise<InputModel>;
  readonly fit: (layer: Layer, rows: LayerRows, products: MatrixProducts) => Promise<void>;
}

export interface WalkOptions {
  readonly runtime: Runtime;
  /** Called with how many layers of how many are done. */
  readonly onProgress?: ((layers: number, all: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes of float outputs that are kept at a time. */
const TARGET_BYTES = 1 << 25;

/** Bytes of all examples' values that are kept so that what comes behind need not start at the inputs. */
const START_BYTES = 1 << 25;

/** Examples, and where a part of the network starts for them: at a value that is known of each, or at its inputs. */
interface Start {
  readonly value?: StartValue | undefined;
  readonly feeds: readonly NamedTensors[];
}

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
  const inputs: Start = { feeds: examples.map((example) => example.inputs) };
  let [float, quantized] = [inputs, inputs];
  let done = 0;
  try {
    for (const batch of batches(network.layers)) {
      const { targets, next } = await targetsOf(network, batch, float, runtime);
      float = next;
      for (const alike of groupedByInput(batch)) {
        signal?.throwIfAborted();
        const { rows, next: behind } = await inputsOf(network, alike, targets, quantized, runtime);
        quantized = behind;
        for (const layer of alike) {
          await network.fit(layer, rowsOf(rows.get(layer)!, targets.get(layer)!.z), products);
          targets.delete(layer);
          rows.delete(layer);
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
  readonly z: PlacedRows[];
}

/** What the float network gives at the sampled places, and where the layers behind these may start. */
async function targetsOf<Layer extends WalkedLayer>(
  network: WalkedNetwork<Layer>,
  layers: readonly Layer[],
  start: Start,
  runtime: Runtime,
): Promise<{ readonly targets: Map<Layer, Targets>; readonly next: Start }> {
  const names = [...new Set(layers.map(({ output }) => output))];
  const cut = layers.findLast(({ isCut, input }) => isCut && input !== start.value?.name)?.input;
  const fetched = cut === undefined ? names : [...new Set([...names, cut])];
  const session = await openDirectly(runtime, await network.floatModel(fetched, start.value));
  const targets = new Map(layers.map((layer): [Layer, Targets] => [layer, { places: [], shapes: [], z: [] }]));
  const kept = new KeptStart(cut, start);
  try {
    for (const [index, feeds] of start.feeds.entries()) {
      const outputs = await session.run(fitInputs(session.inputs, feeds), fetched);
      kept.add(outputs);
      for (const [layer, { places, shapes, z }] of targets) {
        const tensor = outputs.get(layer.output)!;
        const wanted = Math.ceil(samplesFor(layer) / start.feeds.length);
        const chosen = samplePlaces(positionsOf(layer, tensor), wanted, layer.index * 1009 + index);
        places.push(chosen);
        shapes.push(tensor.shape);
        z.push(outputsAt(layer, tensor, chosen));
      }
    }
  } finally {
    await session.close();
  }
  return { targets, next: kept.start() };
}

/** What the network quantized so far gives the layers at the same places; they all read one value. */
async function inputsOf<Layer extends WalkedLayer>(
  network: WalkedNetwork<Layer>,
  layers: readonly Layer[],
  targets: ReadonlyMap<Layer, Targets>,
  start: Start,
  runtime: Runtime,
): Promise<{ readonly rows: Map<Layer, PlacedRows[]>; readonly next: Start }> {
  const { bytes, inputOf, grid, startName } = await network.inputModel(layers[0]!, start.value);
  const session = await openDirectly(runtime, bytes);
  const rows = new Map(layers.map((layer): [Layer, PlacedRows[]] => [layer, []]));
  const kept = new KeptStart(layers[0]!.isCut ? startName : undefined, start);
  try {
    for (const [index, feeds] of start.feeds.entries()) {
      const outputs = await session.run(fitInputs(session.inputs, feeds));
      kept.add(outputs);
      const tensor = inputOf(outputs);
      for (const layer of layers) {
        const { places, shapes } = targets.get(layer)!;
        rows.get(layer)!.push(inputsAt(layer, tensor, shapes[index]!, places[index]!, grid));
      }
    }
  } finally {
    await session.close();
  }
  return { rows, next: kept.start() };
}

/** Collects a value of all examples to start from, as long as they are small enough and of one shape. */
class KeptStart {
  readonly #name: string;
  readonly #before: Start;
  readonly #tensors: DenseTensor[] = [];
  #bytes = 0;

  constructor(name: string | undefined, before: Start) {
    this.#name = name ?? "";
    this.#before = before;
  }

  add(outputs: NamedTensors): void {
    const tensor = outputs.get(this.#name);
    this.#bytes += tensor?.data.byteLength ?? 0;
    if (this.#bytes > START_BYTES) this.#tensors.length = 0;
    else if (tensor !== undefined) this.#tensors.push(tensor);
  }

  start(): Start {
    const [first] = this.#tensors;
    if (first === undefined || !this.#tensors.every((one) => String(one.shape) === String(first.shape)))
      return this.#before;
    const feeds = this.#tensors.map((tensor) => new Map([[this.#name, tensor]]));
    return { value: { name: this.#name, type: { type: first.type, shape: first.shape } }, feeds };
  }
}

function openDirectly(runtime: Runtime, bytes: Uint8Array): Promise<Session> {
  return runtime.createSession(bytes, { placement: "direct", threads: 1 });
}

/** Inputs of channels that are sampled alone may take so many bytes. */
const ROW_BYTES = 1 << 25;

/** Samples over all examples. */
function samplesFor({ groups, inputs, windows }: WalkedLayer): number {
  if (windows === undefined) return 4096;
  if (groups > 1 && inputs < 32) return Math.min(3200, Math.max(1600, Math.floor(ROW_BYTES / (4 * groups * inputs))));
  return Math.min(6000, Math.max(4000, 8 * inputs));
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

/** Examples in turns. */
function rowsOf(x: readonly PlacedRows[], z: readonly PlacedRows[]): LayerRows {
  const half = (rest: number): SampleHalf => {
    const of = (parts: readonly PlacedRows[]) => sideBySide(parts.filter((_, index) => index % 2 === rest));
    const { count, values } = of(x);
    return { count, x: values, z: of(z).values };
  };
  return [half(0), half(1)];
}
