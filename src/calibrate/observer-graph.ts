import { type Graph, type Node, Value } from "../graph/graph.ts";
import { elementCount, type TensorType } from "../graph/tensor.ts";
import { BoltqError } from "../io/error.ts";
import type { OnnxModel, OnnxNode, OnnxNodeData, OnnxValue, Signature } from "../onnx/model.ts";
import { type AttributeInits, nodeData } from "../onnx/node-data.ts";
import { integerTensor } from "../onnx/tensor-data.ts";
import { FreshNames } from "../transform/onnx/fresh-names.ts";
import { addInitializer } from "../transform/onnx/initializers.ts";
import type { Collected } from "./statistics.ts";

/** Names of the outputs that tell of one observed value; those not asked for are undefined. */
export interface ObservedOutputs {
  /** The value's. */
  readonly name: string;
  /** How many numbers it has: known from its shape, or told by an int64 output. */
  readonly numbers: number | string;
  readonly minimum: string;
  readonly maximum: string;
  /** int16: the bin of each number, negative for negative ones; without meaning where some are beyond LARGEST_BIN. */
  readonly bins: string | undefined;
  /** float32: about one number of 61. */
  readonly sample: string | undefined;
  readonly sum: string | undefined;
  readonly sumOfSquares: string | undefined;
  /** float32, one number a channel. */
  readonly channelMagnitudes: string | undefined;
  readonly channelMeans: string | undefined;
}

/** What a model with observers takes and gives; plain data. */
export interface ObserverInterface {
  /** What the model itself takes. */
  readonly inputs: readonly Signature[];
  readonly observed: readonly ObservedOutputs[];
  /** float32, one number for each entry of `observed`: bins for a magnitude of 1. Undefined when no bins are given. */
  readonly resolution: string | undefined;
  /** int64 [1]: where samples start, 0..60. Undefined when no samples are given. */
  readonly start: string | undefined;
}

/** Observers in a graph. */
export interface ObserverGraph {
  readonly interface: ObserverInterface;
  /** Takes out again what was put into the graph. */
  remove(): void;
}

/** Every so many numbers one is sampled: a prime, so that it shares no rhythm with rows or channels. */
export const SAMPLE_STRIDE = 61;

/** Values that are at most this large are looked at whole where a sample is asked for. */
const SMALL = 64 * SAMPLE_STRIDE;

/** The end of int16. */
export const LARGEST_BIN = 32767;

/** Operators are added as this version of the operator set has them. */
const LEAST_OPSET = 13;
const AXES_AS_INPUT_OPSET = 18;

const INT16 = 5;
const FLOAT32 = 1;

/**
 * Lets the model tell of the named values while it runs. Everything that can be is computed in the graph itself, so that
 * little leaves the runtime. Throws BoltqError `unsupported` for a model below opset 13, `usage` for a name that no float
 * value of the main graph has.
 */
export function addObservers(model: OnnxModel, needs: ReadonlyMap<string, ReadonlySet<Collected>>): ObserverGraph {
  if ((model.opsets.get("") ?? 0) < LEAST_OPSET) {
    throw new BoltqError(
      "unsupported",
      `the model has opset ${model.opsets.get("")}; values can be observed from 13 on`,
    );
  }
  return new ObserverBuilder(model).build(needs);
}

class ObserverBuilder {
  readonly #model: OnnxModel;
  readonly #graph: Graph<OnnxNodeData>;
  readonly #names: FreshNames;
  readonly #before: Pick<Graph<OnnxNodeData>, "inputs" | "outputs">;
  readonly #initializerCount: number;
  readonly #added: Node<OnnxNodeData>[] = [];
  readonly #outputs: OnnxValue[] = [];
  readonly #constants = new Map<string, OnnxValue>();

  constructor(model: OnnxModel) {
    this.#model = model;
    this.#graph = model.main.graph;
    this.#names = new FreshNames(model);
    this.#before = { inputs: this.#graph.inputs, outputs: this.#graph.outputs };
    this.#initializerCount = model.main.initializers.length;
  }

  build(needs: ReadonlyMap<string, ReadonlySet<Collected>>): ObserverGraph {
    const values = this.#find(needs);
    const wants = (kind: Collected) => values.some(([, kinds]) => kinds.has(kind));
    const resolution = wants("histogram")
      ? this.#input("resolution", { type: "float32", shape: [values.length] })
      : undefined;
    const start = wants("sample") ? this.#input("start", { type: "int64", shape: [1] }) : undefined;
    const resolutions = resolution === undefined ? [] : this.#splitUp(resolution, values.length);
    const observed = values.map(([value, kinds], index) => this.#observe(value, kinds, resolutions[index], start));
    this.#graph.outputs = [...this.#before.outputs, ...this.#outputs];
    const inputs = this.#before.inputs
      .filter(({ constant }) => constant === undefined)
      .map(({ name, type }) => ({ name, type }));
    return {
      interface: { inputs, observed, resolution: resolution?.name, start: start?.name },
      remove: () => this.#remove(),
    };
  }

  /** The values in graph order. */
  #find(needs: ReadonlyMap<string, ReadonlySet<Collected>>): [OnnxValue, ReadonlySet<Collected>][] {
    const known = [...this.#graph.inputs, ...this.#graph.nodes.flatMap(({ outputs }) => outputs)];
    const found = known.flatMap((value): [OnnxValue, ReadonlySet<Collected>][] => {
      const kinds = value.constant === undefined ? needs.get(value.name) : undefined;
      return kinds === undefined ? [] : [[value, kinds]];
    });
    const names = new Set(found.map(([value]) => value.name));
    const missing = [...needs.keys()].find((name) => !names.has(name));
    if (missing === undefined) return found;
    throw new BoltqError("usage", `the model computes no value "${missing}"`);
  }

  #observe(
    value: OnnxValue,
    kinds: ReadonlySet<Collected>,
    resolution: OnnxValue | undefined,
    start: OnnxValue | undefined,
  ): ObservedOutputs {
    const isFloat32 = value.type === undefined || value.type.type === "float32";
    const source = isFloat32 ? value : this.#add("Cast", [value], { to: FLOAT32 });
    const whole = (countOf(value) ?? SMALL + 1) <= SMALL;
    const give = (wanted: boolean, make: () => OnnxValue) => (wanted ? this.#give(make()) : undefined);
    const axis = channelAxis(value);
    return {
      name: value.name,
      numbers: countOf(value) ?? this.#give(this.#add("Size", [source])),
      minimum: this.#give(this.#add("ReduceMin", [source], { keepdims: 0 })),
      maximum: this.#give(this.#add("ReduceMax", [source], { keepdims: 0 })),
      bins: give(kinds.has("histogram"), () => this.#bins(source, resolution!)),
      sample: give(!kinds.has("histogram") && kinds.has("sample"), () =>
        this.#sample(source, whole ? undefined : start),
      ),
      sum: give(kinds.has("moments"), () => this.#add("ReduceSum", [source], { keepdims: 0 })),
      sumOfSquares: give(kinds.has("moments"), () => this.#add("ReduceSumSquare", [source], { keepdims: 0 })),
      channelMagnitudes: give(kinds.has("channels") && axis !== undefined, () =>
        this.#reduceChannels("ReduceMax", this.#add("Abs", [source]), value.type!.shape!.length, axis!),
      ),
      channelMeans: give(kinds.has("channels") && axis !== undefined, () =>
        this.#reduceChannels("ReduceMean", source, value.type!.shape!.length, axis!),
      ),
    };
  }

  /** Bin 0 is |x| < 1 / resolution; the conversion to integers cuts towards zero. Numbers too large show in the extremes. */
  #bins(source: OnnxValue, resolution: OnnxValue): OnnxValue {
    return this.#add("Cast", [this.#add("Mul", [source, resolution])], { to: INT16 });
  }

  #sample(source: OnnxValue, start: OnnxValue | undefined): OnnxValue {
    const flat = this.#add("Reshape", [source, this.#integers("all", [-1])]);
    if (start === undefined) return flat;
    const [end, axis, stride] = [
      this.#integers("end", [Number.MAX_SAFE_INTEGER]),
      this.#integers("axis", [0]),
      this.#integers("stride", [SAMPLE_STRIDE]),
    ];
    return this.#add("Slice", [flat, start, end, axis, stride]);
  }

  #reduceChannels(type: string, source: OnnxValue, rank: number, axis: number): OnnxValue {
    const axes = Array.from({ length: rank }, (_, index) => index).filter((index) => index !== axis);
    if (axes.length === 0) return source;
    return (this.#model.opsets.get("") ?? 0) >= AXES_AS_INPUT_OPSET
      ? this.#add(type, [source, this.#integers(`axes_${axes.join("_")}`, axes)], { keepdims: 0 })
      : this.#add(type, [source], { keepdims: 0, axes });
  }

  #splitUp(whole: OnnxValue, count: number): OnnxValue[] {
    const outputs = Array.from({ length: count }, () => new Value<OnnxNodeData>(this.#names.next("observe/part")));
    const sizes = this.#integers("sizes", new Array<number>(count).fill(1));
    const init = {
      name: this.#names.next("observe/split"),
      type: "Split",
      inputs: [whole, sizes],
      outputs,
      data: nodeData({ axis: 0 }),
    };
    const [first] = this.#graph.nodes;
    this.#added.push(first === undefined ? this.#graph.append(init) : this.#graph.insertBefore(first, init));
    return outputs;
  }

  #add(type: string, inputs: readonly OnnxValue[], attributes: AttributeInits = {}): OnnxValue {
    const name = this.#names.next(`observe/${type}`);
    const output = new Value<OnnxNodeData>(name);
    this.#added.push(this.#graph.append({ name, type, inputs, outputs: [output], data: nodeData(attributes) }));
    return output;
  }

  #give(value: OnnxValue): string {
    this.#outputs.push(value);
    return value.name;
  }

  #input(name: string, type: TensorType): OnnxValue {
    const value = new Value<OnnxNodeData>(this.#names.next(`observe/${name}`), { type });
    this.#graph.inputs = [...this.#graph.inputs, value];
    return value;
  }

  #constant(key: string, tensor: Parameters<typeof addInitializer>[2]): OnnxValue {
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const value = addInitializer(this.#model, this.#names.next(`observe/${key}`), tensor);
    this.#constants.set(key, value);
    return value;
  }

  #integers(key: string, values: readonly number[]): OnnxValue {
    return this.#constant(key, integerTensor([values.length], values));
  }

  #remove(): void {
    this.#graph.inputs = this.#before.inputs;
    this.#graph.outputs = this.#before.outputs;
    for (const node of this.#added.toReversed()) this.#graph.remove(node);
    this.#model.main.initializers.length = this.#initializerCount;
  }
}

/** How many numbers the value has; undefined where its shape is open. */
function countOf({ type }: OnnxValue): number | undefined {
  const sizes = type?.shape;
  return sizes?.every((size) => typeof size === "number") === true ? elementCount(sizes) : undefined;
}

/** Axis of the channels: the last for matrices and what is multiplied as such, else the second; undefined for unknown shapes. */
function channelAxis(value: OnnxValue): number | undefined {
  const shape = value.type?.shape;
  if (shape === undefined || shape.length < 2) return undefined;
  const isPlane = value.users.some((user: OnnxNode) => user.type.startsWith("Conv"));
  const isMatrix = shape.length === 3 || value.users.some((user: OnnxNode) => user.type === "MatMul");
  const axis = isMatrix && !isPlane ? shape.length - 1 : 1;
  return typeof shape[axis] === "number" ? axis : undefined;
}
