import type { ElementType } from "../graph/tensor.ts";
import type { OnnxValue } from "../onnx/model.ts";
import { elementTypeNumber } from "../onnx/schema.ts";
import type { GraphBuilder, OperationOptions } from "./graph-builder.ts";

/** Options of one node of an operator. */
export interface PartOptions extends Omit<OperationOptions, "name" | "outputs"> {
  /** What the node is for; the one without bears the operator's name. */
  readonly suffix?: string | undefined;
}

/** Adds the nodes and constants that one operator of another format becomes, named after it. */
export class OperatorParts {
  readonly builder: GraphBuilder;
  readonly name: string;

  constructor(builder: GraphBuilder, name: string) {
    this.builder = builder;
    this.name = name;
  }

  /** Adds a node with one output. */
  add(type: string, inputs: readonly (OnnxValue | undefined)[], options: PartOptions = {}): OnnxValue {
    const { suffix, ...rest } = options;
    return this.builder.add(type, inputs, {
      ...rest,
      name: suffix === undefined ? this.name : `${this.name}/${suffix}`,
    });
  }

  /** Adds a Cast to `type`. */
  cast(value: OnnxValue, type: ElementType, suffix?: string): OnnxValue {
    return this.add("Cast", [value], { suffix, type, attributes: { to: elementTypeNumber(type) } });
  }

  floats(suffix: string, values: readonly number[] | Float32Array, shape?: readonly number[]): OnnxValue {
    return this.builder.floats(`${this.name}/${suffix}`, values, shape);
  }

  scalar(suffix: string, value: number): OnnxValue {
    return this.builder.scalar(`${this.name}/${suffix}`, value);
  }

  integers(suffix: string, values: readonly number[], shape?: readonly number[]): OnnxValue {
    return this.builder.integers(`${this.name}/${suffix}`, values, shape);
  }
}
