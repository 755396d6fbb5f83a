import { Value } from "../../graph/graph.ts";
import type { ElementType, Tensor } from "../../graph/tensor.ts";
import type { Bytes } from "../../io/bytes.ts";
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxNodeData, OnnxValue } from "../../onnx/model.ts";
import { nodeData } from "../../onnx/node-data.ts";
import { subgraphsOf } from "../../onnx/subgraphs.ts";
import { float32Of } from "../../onnx/tensor-data.ts";
import { FreshNames } from "./fresh-names.ts";

/** Numbers that ONNX gives the types in attributes. */
const FLOAT32 = 1;
const HALF_CODES: ReadonlyMap<number, ElementType> = new Map([
  [10, "float16"],
  [16, "bfloat16"],
]);

/** Attributes that name the type of an operator's output. */
const TYPE_ATTRIBUTES = ["to", "dtype"];

/**
 * Lets a float16 or bfloat16 model compute in float32, which ONNX Runtime's CPU kernels do anyway. Its inputs and outputs
 * keep their types, with a Cast behind and before them. Weights are widened when they are read. Returns the types that were
 * widened; a model with functions of its own is left as it is.
 */
export function widenHalfFloats(model: OnnxModel): ElementType[] {
  if (model.functions.length > 0) return [];
  const widener = new Widener(model);
  widener.widen();
  return [...widener.types].sort();
}

class Widener {
  readonly types = new Set<ElementType>();
  readonly #model: OnnxModel;
  readonly #names: FreshNames;

  constructor(model: OnnxModel) {
    this.#model = model;
    this.#names = new FreshNames(model);
  }

  widen(): void {
    const { graph } = this.#model.main;
    const [first] = graph.nodes;
    if (first === undefined) return;
    for (const output of new Set(graph.outputs)) this.#castOutput(output);
    for (const input of graph.inputs) if (input.constant === undefined) this.#castInput(input, first);
    const kept = new Set([...graph.inputs.filter(({ constant }) => constant === undefined), ...graph.outputs]);
    this.#widenGraph(this.#model.main, kept);
  }

  #castInput(input: OnnxValue, first: OnnxNode): void {
    if (!this.#isHalf(input.type?.type) || !input.used) return;
    const wide = this.#wideTwin(input);
    for (const user of input.users) {
      user.inputs.forEach((value, index) => {
        if (value === input) user.setInput(index, wide);
      });
    }
    this.#model.main.graph.insertBefore(first, cast(wide.name, input, wide, FLOAT32));
  }

  #castOutput(output: OnnxValue): void {
    const { producer, type } = output;
    if (producer === undefined || !this.#isHalf(type?.type)) return;
    const code = [...HALF_CODES].find(([, half]) => half === type!.type)![0];
    const wide = this.#wideTwin(output);
    this.#model.main.graph.replaceUses(output, wide);
    this.#model.main.graph.outputs = this.#model.main.graph.outputs.map((value) => (value === wide ? output : value));
    producer.setOutputs(producer.outputs.map((value) => (value === output ? wide : value)));
    const name = this.#names.next(`${output.name}/${type!.type}`);
    this.#model.main.graph.insertAfter(producer, cast(name, wide, output, code));
  }

  #wideTwin({ name, type }: OnnxValue): OnnxValue {
    return new Value<OnnxNodeData>(this.#names.next(`${name}/float32`), {
      type: { type: "float32", shape: type?.shape },
    });
  }

  /** Values in `kept` stay as they are. */
  #widenGraph({ graph, initializers }: OnnxGraph, kept: ReadonlySet<OnnxValue>): void {
    for (const value of [...graph.inputs, ...initializers]) if (!kept.has(value)) this.#widenValue(value);
    for (const node of graph.nodes) {
      const castsOutput = node.outputs.some((output) => kept.has(output) && this.#isHalf(output.type?.type));
      if (!castsOutput) this.#widenAttributes(node);
      for (const output of node.outputs) if (!kept.has(output)) this.#widenValue(output);
      for (const inner of subgraphsOf(node)) this.#widenGraph(inner, new Set());
    }
  }

  #widenValue(value: OnnxValue): void {
    if (value.constant !== undefined && this.#isHalf(value.constant.type)) value.constant = widened(value.constant);
    if (value.type !== undefined && this.#isHalf(value.type.type)) value.type = { ...value.type, type: "float32" };
  }

  #widenAttributes(node: OnnxNode): void {
    const { attributes } = node.data;
    for (const [name, attribute] of attributes) {
      if (attribute.kind === "tensor" && this.#isHalf(attribute.value.type)) {
        attributes.set(name, { kind: "tensor", value: widened(attribute.value) });
      }
      const half = attribute.kind === "int" && TYPE_ATTRIBUTES.includes(name) && HALF_CODES.get(attribute.value);
      if (half && this.#isHalf(half)) attributes.set(name, { kind: "int", value: FLOAT32 });
    }
  }

  #isHalf(type: ElementType | undefined): boolean {
    if (type !== "float16" && type !== "bfloat16") return false;
    this.types.add(type);
    return true;
  }
}

function cast(name: string, from: OnnxValue, to: OnnxValue, code: number): Parameters<OnnxGraph["graph"]["append"]>[0] {
  return { name, type: "Cast", inputs: [from], outputs: [to], data: nodeData({ to: code }) };
}

const HALF_BYTES = 2;
const FLOAT_BYTES = 4;

const SOURCES = new WeakMap<Tensor, Tensor>();

/** The half floats that a tensor was widened from; undefined for all others. */
export function halfFloatsOf(tensor: Tensor): Tensor | undefined {
  return SOURCES.get(tensor);
}

function widened(half: Tensor): Tensor {
  const { type, shape, data } = half;
  const length = (data.length / HALF_BYTES) * FLOAT_BYTES;
  const wide: Bytes = {
    length,
    read: async (offset = 0, count = length - offset) => {
      const [start, end] = [Math.floor(offset / FLOAT_BYTES), Math.ceil((offset + count) / FLOAT_BYTES)];
      const bytes = await data.read(start * HALF_BYTES, (end - start) * HALF_BYTES);
      const part = { length: bytes.length, read: async () => bytes };
      const values = await float32Of({ type, shape: [end - start], data: part });
      return new Uint8Array(values.buffer, offset - start * FLOAT_BYTES, count);
    },
  };
  const tensor: Tensor = { type: "float32", shape, data: wide };
  SOURCES.set(tensor, half);
  return tensor;
}
