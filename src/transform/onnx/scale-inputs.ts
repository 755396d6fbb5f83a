import { Value } from "../../graph/graph.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { BoltqError } from "../../io/error.ts";
import { intAttribute } from "../../onnx/attributes.ts";
import type { OnnxModel, OnnxNode, OnnxNodeData, OnnxValue } from "../../onnx/model.ts";
import { nodeData } from "../../onnx/node-data.ts";
import { float32Of, floatTensor } from "../../onnx/tensor-data.ts";
import { FreshNames } from "./fresh-names.ts";
import { addInitializer } from "./initializers.ts";
import { normalizationBehind } from "./normalization.ts";

/** What each channel of a value is divided by before products read it; their weights are multiplied with the same. */
export interface InputScaling {
  /** The value: its channels lie along its last axis. */
  readonly input: string;
  /** MatMul or Gemm that read it, in graph order, each with a matrix of its own. */
  readonly operators: readonly string[];
  readonly factors: readonly number[];
}

/** Whether a product's weight can be multiplied: a float32 matrix that nothing else reads. */
export function takesInputScaling(node: OnnxNode): boolean {
  const weight = node.inputs[1];
  if (node.data.domain !== "" || (node.type !== "MatMul" && node.type !== "Gemm")) return false;
  return weight?.constant?.type === "float32" && weight.constant.shape.length === 2 && weight.users.length === 1;
}

/** The axis of a product's weight along which its inputs lie. */
export function inputAxis(node: OnnxNode): 0 | 1 {
  return node.type === "Gemm" && intAttribute(node, "transB", 0) === 1 ? 1 : 0;
}

/**
 * Divides the channels of values and multiplies the weights that read them: the network gives the same. Where a normalization
 * gives a value that nothing else reads, its factor and offset are divided; else a Mul is put between. Returns what undoes
 * it. Throws BoltqError `mismatch` where there are no such products.
 */
export async function scaleInputs(model: OnnxModel, scalings: readonly InputScaling[]): Promise<() => void> {
  const scaler = new Scaler(model);
  for (const scaling of scalings) await scaler.scale(scaling);
  return () => scaler.undo();
}

class Scaler {
  readonly #model: OnnxModel;
  readonly #names: FreshNames;
  readonly #nodes: ReadonlyMap<string, OnnxNode>;
  readonly #undo: (() => void)[] = [];

  constructor(model: OnnxModel) {
    this.#model = model;
    this.#names = new FreshNames(model);
    this.#nodes = new Map(model.main.graph.nodes.map((node) => [node.name, node]));
  }

  async scale({ input, operators, factors }: InputScaling): Promise<void> {
    const readers = operators.map((name) => this.#reader(name, input, factors.length));
    for (const reader of readers) {
      const axis = inputAxis(reader);
      await this.#multiply(reader.input(1), (index, [, columns = 1]) =>
        axis === 1 ? factors[index % columns]! : factors[Math.floor(index / columns)]!,
      );
    }
    const value = readers[0]!.input(0);
    const parameters = this.#parametersBehind(value, readers);
    for (const vector of parameters) await this.#multiply(vector, (channel) => 1 / factors[channel]!);
    if (parameters.length === 0) this.#divide(value, readers, factors);
  }

  undo(): void {
    for (const step of this.#undo.reverse()) step();
  }

  #reader(name: string, input: string, channels: number): OnnxNode {
    const node = this.#nodes.get(name);
    if (node !== undefined && takesInputScaling(node) && node.input(0).name === input) {
      if (node.input(1).constant!.shape[inputAxis(node)] === channels) return node;
    }
    throw new BoltqError("mismatch", `there is no operator "${name}" whose inputs could be scaled so`, {
      remedy: "Give the plan of this model",
    });
  }

  /** Factor and offset of the normalization that gives the value to `readers` alone; else none. */
  #parametersBehind(value: OnnxValue, readers: readonly OnnxNode[]): OnnxValue[] {
    const found = normalizationBehind(value);
    if (found === undefined || this.#model.main.graph.outputs.includes(value)) return [];
    const vectors = [found.factor, found.offset].filter((vector) => vector !== undefined);
    const isAlone = value.users.every((user) => readers.includes(user)) && !isReadBetween(value, found.factor);
    return isAlone && vectors.every(({ users }) => users.length === 1) ? vectors : [];
  }

  async #multiply(value: OnnxValue, factorAt: (index: number, shape: readonly number[]) => number): Promise<void> {
    const before: Tensor = value.constant!;
    const { shape } = before;
    const numbers = await float32Of(before);
    value.constant = floatTensor(
      shape,
      numbers.map((number, index) => number * factorAt(index, shape)),
    );
    this.#undo.push(() => {
      value.constant = before;
    });
  }

  #divide(value: OnnxValue, readers: readonly OnnxNode[], factors: readonly number[]): void {
    const { graph } = this.#model.main;
    const inverses = floatTensor(
      [factors.length],
      factors.map((factor) => 1 / factor),
    );
    const constant = addInitializer(this.#model, this.#names.next(`${value.name}/inverse_factors`), inverses);
    const scaled = new Value<OnnxNodeData>(this.#names.next(`${value.name}/scaled`), { type: value.type });
    const node = graph.insertBefore(readers[0]!, {
      name: this.#names.next(`${value.name}/Scale`),
      type: "Mul",
      inputs: [value, constant],
      outputs: [scaled],
      data: nodeData({}),
    });
    for (const reader of readers) reader.setInput(0, scaled);
    this.#undo.push(() => {
      for (const reader of readers) reader.setInput(0, value);
      graph.remove(node);
      const { main } = this.#model;
      main.initializers = main.initializers.filter((initializer) => initializer !== constant);
    });
  }
}

/** Whether something else reads what a normalization taken apart gives before its offset is added. */
function isReadBetween(value: OnnxValue, factor: OnnxValue): boolean {
  const scaled = factor.users[0]?.outputs[0];
  return scaled !== value && scaled?.users.length !== 1;
}
