import type { Graph, Node, Value } from "../graph/graph.ts";
import type { Bytes } from "../io/bytes.ts";
import type { BoltDataType } from "./data-type.ts";
import type { Parameters } from "./parameters.ts";
import type { BoltTensorDescription } from "./tensor-description.ts";
import type { BoltVersion } from "./version.ts";

/** What the Bolt dialect adds to a node. */
export interface BoltNodeData {
  /** The operator's parameter struct; fields by name through `get` and `set`. */
  parameters: Parameters;
  /**
   * Quantization labels and scales ("feature_scale"): empty when unlabelled; one slot with one number as a label
   * (0 float, -1 int8 in and out, -2 int8 in and float out, -3 float in and out), or one slot per input and output.
   */
  scales: readonly Float32Array[];
  /** Memory slots of inputs and outputs; undefined: -1 each. */
  positions: Int32Array | undefined;
  /**
   * 128-byte name fields that hold more than the name and zeros, by place ("name", "input 0", "output 1"): written back
   * as they were as long as the name there is unchanged.
   */
  residues: Map<string, Uint8Array>;
}

/** An operator of a Bolt graph. */
export type BoltNode = Node<BoltNodeData>;
/** A tensor of a Bolt graph. Two may bear one name: the files use names again in place. */
export type BoltValue = Value<BoltNodeData>;

/** One weight record. `operator` names the node it belongs to. */
export interface BoltWeight {
  operator: string;
  dataType: BoltDataType;
  /** The weight's elements in `dataType` (I4: two to a byte, the first in the low half, value + 7). */
  weight: Bytes;
  /** Bias and the like: float32, or float16 where the file's rules say so. */
  vector: Bytes;
  /** Scales as stored: 127 / largest magnitude for int8, 7 / largest for int4. */
  scales: readonly Float32Array[];
  /** The 128-byte field of `operator` where it holds more than the name and zeros. */
  residue: Uint8Array | undefined;
}

/** A `.bolt` file, read: all that is needed to write it again byte for byte. */
export interface BoltModel {
  readonly format: "bolt";
  version: BoltVersion;
  name: string;
  nameResidue: Uint8Array | undefined;
  dataType: BoltDataType;
  /** One per graph input. */
  inputDescriptions: BoltTensorDescription[];
  /** Name fields of inputs and outputs that hold more than the name and zeros, by index. */
  inputResidues: readonly (Uint8Array | undefined)[];
  outputResidues: readonly (Uint8Array | undefined)[];
  graph: Graph<BoltNodeData>;
  weights: WeightTable;
  /** What follows the last weight record: nothing, in files that Bolt wrote. */
  trailer: Bytes;
}

/** The weight records of a model, in file order, found by operator name in constant time. */
export class WeightTable implements Iterable<BoltWeight> {
  readonly #records = new Set<BoltWeight>();
  readonly #byOperator = new Map<string, BoltWeight>();

  constructor(records: Iterable<BoltWeight> = []) {
    for (const record of records) this.add(record);
  }

  get size(): number {
    return this.#records.size;
  }

  /** The records in file order. */
  [Symbol.iterator](): Iterator<BoltWeight> {
    return this.#records[Symbol.iterator]();
  }

  /** Appends a record. When two name the same operator the first one is that operator's, as in Bolt. */
  add(record: BoltWeight): void {
    this.#records.add(record);
    if (!this.#byOperator.has(record.operator)) this.#byOperator.set(record.operator, record);
  }

  /** The record of an operator; undefined when it has none. */
  of(node: { readonly name: string }): BoltWeight | undefined {
    return this.#byOperator.get(node.name);
  }

  /** Takes a record out. */
  delete(record: BoltWeight): void {
    this.#records.delete(record);
    if (this.#byOperator.get(record.operator) === record) this.#byOperator.delete(record.operator);
  }
}
