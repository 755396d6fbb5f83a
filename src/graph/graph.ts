import { BoltqError } from "../io/error.ts";
import type { Tensor, TensorType } from "./tensor.ts";

/**
 * One tensor flowing through the graph: a graph input, a constant, or the output of exactly one node. Several values
 * may bear one name (Bolt's files reuse names in place); which one a node reads is decided by reference.
 */
export class Value<Data = unknown> {
  name: string;
  /** Element type and shape, where known. */
  type: TensorType | undefined;
  /** Data known when the model was written: an initializer. */
  constant: Tensor | undefined;
  #producer: Node<Data> | undefined;
  #users = new Map<Node<Data>, number>();

  constructor(name: string, options: { type?: TensorType | undefined; constant?: Tensor | undefined } = {}) {
    this.name = name;
    this.type = options.type;
    this.constant = options.constant;
  }

  /** The node whose output this is; undefined for graph inputs and constants. */
  get producer(): Node<Data> | undefined {
    return this.#producer;
  }

  /** The nodes that read this value, each once, in graph order. */
  get users(): Node<Data>[] {
    return [...this.#users.keys()].sort((a, b) => a.order - b.order);
  }

  get used(): boolean {
    return this.#users.size > 0;
  }

  /** @internal kept right by Node and Graph */
  addUse(node: Node<Data>): void {
    this.#users.set(node, (this.#users.get(node) ?? 0) + 1);
  }

  /** @internal kept right by Node and Graph */
  dropUse(node: Node<Data>): void {
    const count = this.#users.get(node) ?? 0;
    if (count > 1) this.#users.set(node, count - 1);
    else this.#users.delete(node);
  }

  /** @internal kept right by Node and Graph */
  setProducer(node: Node<Data> | undefined): void {
    this.#producer = node;
  }
}

/** What a new node is made of. */
export interface NodeInit<Data> {
  name: string;
  type: string;
  inputs: readonly (Value<Data> | undefined)[];
  outputs: readonly Value<Data>[];
  data: Data;
}

/** One operator. `Data` is what its dialect adds: attributes, labels. An input left out is undefined. */
export class Node<Data = unknown> {
  name: string;
  type: string;
  data: Data;
  /** Position key: nodes sort by it in graph order; not contiguous. */
  order = 0;
  #inputs: (Value<Data> | undefined)[];
  #outputs: Value<Data>[];

  /** Use `Graph.append` or `insert…` instead: a node outside a graph keeps no order. */
  constructor(init: NodeInit<Data>) {
    this.name = init.name;
    this.type = init.type;
    this.data = init.data;
    this.#inputs = [...init.inputs];
    this.#outputs = [...init.outputs];
    for (const input of this.#inputs) input?.addUse(this);
    for (const output of this.#outputs) this.#claim(output);
  }

  get inputs(): readonly (Value<Data> | undefined)[] {
    return this.#inputs;
  }

  get outputs(): readonly Value<Data>[] {
    return this.#outputs;
  }

  /** Input `index`; throws `invalid-graph` when it is left out. */
  input(index: number): Value<Data> {
    return this.#inputs[index] ?? this.#missing(`input ${index}`);
  }

  /** Output `index`; throws `invalid-graph` when there is none. */
  output(index = 0): Value<Data> {
    return this.#outputs[index] ?? this.#missing(`output ${index}`);
  }

  /** Lets the node read another value at `index`, or none. */
  setInput(index: number, value: Value<Data> | undefined): void {
    this.#inputs[index]?.dropUse(this);
    this.#inputs[index] = value;
    value?.addUse(this);
  }

  /** Lets the node read these values and no others. */
  setInputs(values: readonly (Value<Data> | undefined)[]): void {
    for (const input of this.#inputs) input?.dropUse(this);
    this.#inputs = [...values];
    for (const input of this.#inputs) input?.addUse(this);
  }

  /** Gives the node other outputs; a value it no longer produces becomes a free value. */
  setOutputs(values: readonly Value<Data>[]): void {
    for (const output of this.#outputs) output.setProducer(undefined);
    this.#outputs = [...values];
    for (const output of this.#outputs) this.#claim(output);
  }

  /** @internal called by Graph.remove */
  detach(): void {
    for (const input of this.#inputs) input?.dropUse(this);
    for (const output of this.#outputs) output.setProducer(undefined);
  }

  #claim(output: Value<Data>): void {
    if (output.producer !== undefined) {
      throw new BoltqError("invalid-graph", `the value "${output.name}" is produced twice`, {
        subject: `operator "${this.name}" (${this.type})`,
      });
    }
    output.setProducer(this);
  }

  #missing(what: string): never {
    throw new BoltqError("invalid-graph", `${what} is missing`, { subject: `operator "${this.name}" (${this.type})` });
  }
}

/** Nodes in execution order, with the graph's own inputs and outputs. Editing keeps producers and uses right. */
export class Graph<Data = unknown> {
  name: string;
  inputs: Value<Data>[] = [];
  outputs: Value<Data>[] = [];
  readonly #links = new Map<Node<Data>, Link<Data>>();
  #first: Node<Data> | undefined;
  #last: Node<Data> | undefined;
  #snapshot: readonly Node<Data>[] | undefined;

  constructor(name = "") {
    this.name = name;
  }

  /** The nodes in execution order: a snapshot, safe to edit the graph over. */
  get nodes(): readonly Node<Data>[] {
    this.#snapshot ??= this.#walk();
    return this.#snapshot;
  }

  get size(): number {
    return this.#links.size;
  }

  /** Whether `node` is (still) part of this graph. */
  has(node: Node<Data>): boolean {
    return this.#links.has(node);
  }

  /** Adds a node behind all others. */
  append(init: NodeInit<Data>): Node<Data> {
    return this.#add(init, this.#last, undefined);
  }

  /** Adds a node just before `next`. */
  insertBefore(next: Node<Data>, init: NodeInit<Data>): Node<Data> {
    return this.#add(init, this.#link(next).previous, next);
  }

  /** Adds a node just after `previous`. */
  insertAfter(previous: Node<Data>, init: NodeInit<Data>): Node<Data> {
    return this.#add(init, previous, this.#link(previous).next);
  }

  /** Takes a node out. Its outputs become free values: replace their uses first. */
  remove(node: Node<Data>): void {
    const { previous, next } = this.#link(node);
    if (previous === undefined) this.#first = next;
    else this.#link(previous).next = next;
    if (next === undefined) this.#last = previous;
    else this.#link(next).previous = previous;
    this.#links.delete(node);
    this.#snapshot = undefined;
    node.detach();
  }

  /** Puts the nodes into another order. Throws `invalid-graph` unless `order` holds each of them once. */
  arrange(order: readonly Node<Data>[]): void {
    if (order.length !== this.size || new Set(order).size !== this.size || !order.every((node) => this.has(node))) {
      throw new BoltqError("invalid-graph", "an order must hold each operator of the graph once");
    }
    order.forEach((node, index) => {
      this.#links.set(node, { previous: order[index - 1], next: order[index + 1] });
    });
    this.#first = order[0];
    this.#last = order.at(-1);
    this.#snapshot = undefined;
    this.#renumber();
  }

  /** Lets every user of `value`, and the graph's outputs, read `replacement` instead. */
  replaceUses(value: Value<Data>, replacement: Value<Data>): void {
    for (const user of value.users) {
      user.inputs.forEach((input, index) => {
        if (input === value) user.setInput(index, replacement);
      });
    }
    this.outputs = this.outputs.map((output) => (output === value ? replacement : output));
  }

  #add(init: NodeInit<Data>, previous: Node<Data> | undefined, next: Node<Data> | undefined): Node<Data> {
    const node = new Node(init);
    this.#links.set(node, { previous, next });
    if (previous === undefined) this.#first = node;
    else this.#link(previous).next = node;
    if (next === undefined) this.#last = node;
    else this.#link(next).previous = node;
    this.#snapshot = undefined;
    const after = previous?.order ?? (next === undefined ? 0 : next.order - 2);
    const before = next?.order ?? after + 2;
    node.order = (after + before) / 2;
    if (node.order <= after || node.order >= before) this.#renumber();
    return node;
  }

  #link(node: Node<Data>): Link<Data> {
    const link = this.#links.get(node);
    if (link === undefined) {
      throw new BoltqError("invalid-graph", "the operator is not part of the graph", {
        subject: `operator "${node.name}"`,
      });
    }
    return link;
  }

  #walk(): Node<Data>[] {
    const nodes: Node<Data>[] = [];
    for (let node = this.#first; node !== undefined; node = this.#link(node).next) nodes.push(node);
    return nodes;
  }

  #renumber(): void {
    this.#walk().forEach((node, index) => {
      node.order = index;
    });
  }
}

interface Link<Data> {
  previous: Node<Data> | undefined;
  next: Node<Data> | undefined;
}
