import type { ElementType, Tensor } from "../../graph/tensor.ts";

/** A TensorFlow graph (GraphDef) as plain data. */
export interface TensorflowGraph {
  readonly nodes: readonly TensorflowNode[];
  /** By name. */
  readonly functions: ReadonlyMap<string, TensorflowFunction>;
}

/** Operators that a graph may call as one. */
export interface TensorflowFunction {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** They read inputs by name and each other as `NAME:RESULT:PLACE`. */
  readonly nodes: readonly TensorflowNode[];
  /** What each output is. */
  readonly results: ReadonlyMap<string, string>;
}

export interface TensorflowNode {
  readonly name: string;
  /** TensorFlow's name of the operator. */
  readonly type: string;
  /** What it reads: `NAME` or `NAME:1`, the second result. What it only waits for is left out. */
  readonly inputs: readonly string[];
  readonly attributes: ReadonlyMap<string, TensorflowAttribute>;
}

/** The value of an attribute; of its kinds one is there. */
export interface TensorflowAttribute {
  readonly text?: string | undefined;
  readonly integer?: number | undefined;
  readonly float?: number | undefined;
  readonly flag?: boolean | undefined;
  /** Undefined for types that no tensor here can have, such as resources. */
  readonly type?: ElementType | undefined;
  /** Sizes, -1 where unknown; undefined of an unknown rank. */
  readonly shape?: readonly number[] | undefined;
  readonly integers?: readonly number[];
  readonly texts?: readonly string[];
  /** The name of a function. */
  readonly function?: string | undefined;
  /** A constant, which is looked at when it is asked for. Rejects with a BoltqError. */
  readonly tensor?: (() => Promise<Tensor>) | undefined;
}

/** Element types by TensorFlow's numbers (DataType). */
export const DATA_TYPES: Readonly<Record<number, { readonly name: string; readonly type: ElementType }>> = {
  1: { name: "DT_FLOAT", type: "float32" },
  2: { name: "DT_DOUBLE", type: "float64" },
  3: { name: "DT_INT32", type: "int32" },
  4: { name: "DT_UINT8", type: "uint8" },
  5: { name: "DT_INT16", type: "int16" },
  6: { name: "DT_INT8", type: "int8" },
  7: { name: "DT_STRING", type: "string" },
  9: { name: "DT_INT64", type: "int64" },
  10: { name: "DT_BOOL", type: "bool" },
  14: { name: "DT_BFLOAT16", type: "bfloat16" },
  17: { name: "DT_UINT16", type: "uint16" },
  19: { name: "DT_HALF", type: "float16" },
  22: { name: "DT_UINT32", type: "uint32" },
  23: { name: "DT_UINT64", type: "uint64" },
};

/** An operator, for messages. */
export function subjectOf({ name, type }: Pick<TensorflowNode, "name" | "type">): string {
  return `operator "${name}" (${type})`;
}

/** What `NAME:1` refers to: the name of the operator and the number of its result. */
export function parseReference(reference: string): readonly [string, number] {
  const [, name = reference, index = "0"] = /^(.*):(\d{1,9})$/s.exec(reference) ?? [];
  return [name, Number(index)];
}
