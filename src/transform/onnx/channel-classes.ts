import { intAttribute } from "../../onnx/attributes.ts";
import type { OnnxModel, OnnxNode, OnnxValue } from "../../onnx/model.ts";
import { float32Of } from "../../onnx/tensor-data.ts";

/**
 * The channels of a network's values, those that a positive factor passes between in one class: scaling all channels of a
 * class by one factor changes nothing if the weights that make and read them are scaled against it.
 */
export interface ChannelClasses {
  /** The class of a channel of a value; undefined where the value's channels are not known. */
  classOf(value: OnnxValue, channel: number): number | undefined;
  /** How many channels a value has; 0 where that is not known. */
  channelsOf(value: OnnxValue): number;
  /** Whether nothing but weights makes and reads the class. */
  isFree(of: number): boolean;
  /** Upper bound that an activation puts on the class; infinite where there is none. */
  limitOf(of: number): number;
  /** Whether all that reads the class multiplies each channel by itself. */
  isReadByDepthwiseAlone(of: number): boolean;
}

/** Operators through which every channel keeps its factor. */
const HOMOGENEOUS: ReadonlySet<string> = new Set([
  "Relu",
  "LeakyRelu",
  "MaxPool",
  "AveragePool",
  "GlobalAveragePool",
  "GlobalMaxPool",
  "Identity",
  "Dropout",
]);

/** Finds the classes of a model with inferred shapes. Channels lie along axis 1. */
export async function channelClasses(model: OnnxModel): Promise<ChannelClasses> {
  const classes = new Classes(model);
  for (const node of model.main.graph.nodes) await classes.visit(node);
  return classes;
}

class Classes implements ChannelClasses {
  readonly #first = new Map<OnnxValue, number>();
  readonly #channels = new Map<OnnxValue, number>();
  readonly #parent: number[] = [];
  readonly #blocked = new Set<number>();
  readonly #limits = new Map<number, number>();
  readonly #readDensely = new Set<number>();
  readonly #weightReaders = new Map<OnnxValue, number>();

  constructor({ main: { graph } }: OnnxModel) {
    for (const value of [...graph.inputs, ...graph.nodes.flatMap(({ outputs }) => outputs)]) this.#define(value);
    for (const node of graph.nodes) {
      for (const input of node.inputs) {
        if (input?.constant !== undefined) this.#weightReaders.set(input, (this.#weightReaders.get(input) ?? 0) + 1);
      }
    }
    for (const value of [...graph.inputs, ...graph.outputs]) this.#block(value);
  }

  channelsOf(value: OnnxValue): number {
    return this.#channels.get(value) ?? 0;
  }

  classOf(value: OnnxValue, channel: number): number | undefined {
    const first = this.#first.get(value);
    return first === undefined ? undefined : this.#root(first + channel);
  }

  isFree(of: number): boolean {
    return !this.#blocked.has(this.#root(of));
  }

  limitOf(of: number): number {
    return this.#limits.get(this.#root(of)) ?? Number.POSITIVE_INFINITY;
  }

  isReadByDepthwiseAlone(of: number): boolean {
    return !this.#readDensely.has(this.#root(of));
  }

  async visit(node: OnnxNode): Promise<void> {
    const [input] = node.inputs;
    const output = node.outputs[0];
    if (input === undefined || output === undefined || node.outputs.length > 1 || node.data.domain !== "")
      this.#blockAll(node);
    else if (node.type === "Conv" && this.#hasOwnWeights(node)) this.#readBy(node);
    else if (node.type === "Gemm" && this.#hasOwnWeights(node) && isPlainGemm(node)) this.#readBy(node);
    else if (HOMOGENEOUS.has(node.type)) this.#link(input, 0, output, 0, this.channelsOf(output));
    else if (node.type === "Clip") await this.#clip(node, input, output);
    else if (
      node.type === "Add" &&
      node.inputs.every((one) => one !== undefined && one.constant === undefined && sameShape(one, output))
    )
      for (const one of node.inputs) this.#link(one!, 0, output, 0, this.channelsOf(output));
    else if (node.type === "Concat" && intAttribute(node, "axis", 0) === 1) this.#concat(node, output);
    else if (
      node.type === "Flatten" &&
      intAttribute(node, "axis", 1) === 1 &&
      this.channelsOf(input) === this.channelsOf(output)
    )
      this.#link(input, 0, output, 0, this.channelsOf(output));
    else this.#blockAll(node);
  }

  #define(value: OnnxValue): void {
    const shape = value.type?.shape;
    const channels = shape?.[1];
    if (shape === undefined || shape.length < 2 || typeof channels !== "number") return;
    this.#first.set(value, this.#parent.length);
    this.#channels.set(value, channels);
    for (let channel = 0; channel < channels; channel++) this.#parent.push(this.#parent.length);
  }

  #root(of: number): number {
    let root = of;
    while (this.#parent[root] !== root) root = this.#parent[root]!;
    for (let one = of; this.#parent[one] !== root; ) {
      const next = this.#parent[one]!;
      this.#parent[one] = root;
      one = next;
    }
    return root;
  }

  #join(one: number, other: number): void {
    const [kept, dropped] = [this.#root(one), this.#root(other)];
    if (kept === dropped) return;
    this.#parent[dropped] = kept;
    if (this.#blocked.has(dropped)) this.#blocked.add(kept);
    if (this.#readDensely.has(dropped)) this.#readDensely.add(kept);
    const limit = Math.min(this.limitOf(kept), this.#limits.get(dropped) ?? Number.POSITIVE_INFINITY);
    if (Number.isFinite(limit)) this.#limits.set(kept, limit);
  }

  #link(one: OnnxValue, from: number, other: OnnxValue, to: number, count: number): void {
    const [first, second] = [this.#first.get(one), this.#first.get(other)];
    if (first === undefined || second === undefined || from + count > this.channelsOf(one)) {
      this.#block(one);
      this.#block(other);
      return;
    }
    for (let channel = 0; channel < count; channel++) this.#join(first + from + channel, second + to + channel);
  }

  #concat(node: OnnxNode, output: OnnxValue): void {
    const parts = node.inputs.map((input) => (input === undefined ? 0 : this.channelsOf(input)));
    if (parts.includes(0)) this.#blockAll(node);
    else {
      let place = 0;
      for (const [index, count] of parts.entries()) {
        this.#link(node.input(index), 0, output, place, count);
        place += count;
      }
    }
  }

  /** Cutting at zero and at a limit. */
  async #clip(node: OnnxNode, input: OnnxValue, output: OnnxValue): Promise<void> {
    const [low, high] = await Promise.all([numberOf(node.inputs[1]), numberOf(node.inputs[2])]);
    if (low !== 0) return this.#blockAll(node);
    this.#link(input, 0, output, 0, this.channelsOf(output));
    const first = this.#first.get(output);
    if (high === undefined || first === undefined) return;
    for (let channel = 0; channel < this.channelsOf(output); channel++)
      this.#limits.set(this.#root(first + channel), Math.min(this.limitOf(first + channel), high));
  }

  #readBy(node: OnnxNode): void {
    const first = this.#first.get(node.input(0));
    if (first === undefined || isDepthwise(node)) return;
    for (let channel = 0; channel < this.channelsOf(node.input(0)); channel++)
      this.#readDensely.add(this.#root(first + channel));
  }

  #hasOwnWeights(node: OnnxNode): boolean {
    return node.inputs
      .slice(1)
      .every((input) => input?.constant?.type === "float32" && this.#weightReaders.get(input) === 1);
  }

  #blockAll({ inputs, outputs }: OnnxNode): void {
    for (const value of [...inputs, ...outputs]) if (value !== undefined) this.#block(value);
  }

  #block(value: OnnxValue): void {
    const first = this.#first.get(value);
    if (first === undefined) return;
    for (let channel = 0; channel < this.channelsOf(value); channel++) this.#blocked.add(this.#root(first + channel));
  }
}

function isPlainGemm(node: OnnxNode): boolean {
  return intAttribute(node, "transA", 0) === 0;
}

/** Whether each output channel of a convolution reads one channel. */
function isDepthwise(node: OnnxNode): boolean {
  return node.type === "Conv" && node.input(1).constant?.shape[1] === 1 && intAttribute(node, "group", 1) > 1;
}

function sameShape(one: OnnxValue, other: OnnxValue): boolean {
  return JSON.stringify(one.type?.shape) === JSON.stringify(other.type?.shape);
}

async function numberOf(value: OnnxValue | undefined): Promise<number | undefined> {
  return value?.constant === undefined ? undefined : (await float32Of(value.constant))[0];
}
