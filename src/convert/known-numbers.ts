import type { Dimension } from "../graph/tensor.ts";
import { elementCount } from "../graph/tensor.ts";
import type { KnownTensor, StaticType } from "../onnx/evaluation/evaluator.ts";
import { EVALUATORS } from "../onnx/evaluation/index.ts";
import type { OnnxNode, OnnxValue } from "../onnx/model.ts";
import { numbersOf } from "../onnx/tensor-data.ts";
import { isStatic } from "./graph-builder.ts";

/** More elements than any list of sizes or axes has. */
const MOST_ELEMENTS = 256;

/** The elements of small values that follow from constants, while a graph is built front to back. */
export class KnownNumbers {
  readonly #known = new Map<OnnxValue, KnownTensor | undefined>();

  /** The elements of a value, as ONNX computes them; undefined where they are many, or known only when the network runs. */
  async of(value: OnnxValue): Promise<readonly number[] | undefined> {
    return (await this.#lookUp(value))?.values as readonly number[] | undefined;
  }

  async #lookUp(value: OnnxValue): Promise<KnownTensor | undefined> {
    if (!this.#known.has(value)) this.#known.set(value, await this.#find(value));
    return this.#known.get(value);
  }

  async #find(value: OnnxValue): Promise<KnownTensor | undefined> {
    const { constant, producer } = value;
    if (constant !== undefined) {
      if (elementCount(constant.shape) > MOST_ELEMENTS || constant.type === "string") return undefined;
      return { ...constant, values: Array.from(await numbersOf(constant)) };
    }
    if (producer === undefined || !Object.hasOwn(EVALUATORS, producer.type)) return undefined;
    const types = producer.outputs.map((output) => output.type);
    if (!types.every(isSmall)) return undefined;
    const inputs: (KnownTensor | undefined)[] = [];
    for (const input of producer.inputs) {
      const known = input && (await this.#lookUp(input));
      if (input !== undefined && known === undefined) return undefined;
      inputs.push(known);
    }
    return this.#evaluate(producer, inputs, types)[producer.outputs.indexOf(value)];
  }

  #evaluate(
    node: OnnxNode,
    inputs: readonly (KnownTensor | undefined)[],
    types: readonly StaticType[],
  ): readonly (KnownTensor | undefined)[] {
    const results: readonly (readonly Dimension[])[] = EVALUATORS[node.type]!(inputs, types, node) ?? [];
    return types.map((type, index) => {
      const values = results[index];
      return values?.every((element) => typeof element === "number") ? { ...type, values } : undefined;
    });
  }
}

function isSmall(type: OnnxValue["type"]): type is StaticType {
  return type !== undefined && isStatic(type.shape) && elementCount(type.shape) <= MOST_ELEMENTS;
}
