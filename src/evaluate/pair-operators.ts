import type { Graph, Node, Value } from "../graph/graph.ts";
import {
  activationInputs,
  familyOf,
  isFusible,
  isLayer,
  origin,
  readersOf,
  takesAnyOrder,
} from "./operator-families.ts";
import type { WeightMark } from "./weight-marks.ts";
import { sameWeight } from "./weight-marks.ts";

/** A graph, and what tells its operators' weights from others. */
export interface MarkedGraph {
  readonly graph: Graph;
  readonly marks: ReadonlyMap<Node, WeightMark>;
}

/** By operators of the first graph: their counterparts in the second. */
export type OperatorPairs = ReadonlyMap<Node, Node>;

/** How sure a sign makes that two operators are each other's counterpart. */
const VOTES = { weight: 6, name: 2, output: 3, input: 2, slot: 2, anySlot: 1, reader: 2 } as const;

/** Up to so many operators that one graph may lack are passed over in the search for neighbours. */
const MOST_PASSED = 4;

/** Weights are not told apart where more than these are of one size: it takes the square of their number. */
const MOST_ALIKE = 512;

/** Of more neighbours than these only the first are looked at: beyond, their order alone says little. */
const MOST_NEIGHBOURS = 16;

/**
 * Finds the operators of two graphs that stand at the same place. Inputs, outputs, equal weights and equal names are where it starts; each
 * pair speaks for the pairs of its producers and of its readers, and the surest one is taken next. Changes of the number format are passed;
 * so are activations that one graph lacks because they are fused into the operator before.
 */
export function pairOperators(first: MarkedGraph, second: MarkedGraph): OperatorPairs {
  return new Matching(first, second).run();
}

class Matching {
  readonly #pairs = new Map<Node, Node>();
  readonly #taken = new Set<Node>();
  readonly #votes = new Map<Node, Map<Node, number>>();
  readonly #queue = new CandidateQueue();
  readonly #places: ReadonlyMap<Node, number>;
  readonly #first: MarkedGraph;
  readonly #second: MarkedGraph;

  constructor(first: MarkedGraph, second: MarkedGraph) {
    this.#first = first;
    this.#second = second;
    this.#places = new Map([...placesOf(first.graph), ...placesOf(second.graph)]);
  }

  run(): OperatorPairs {
    this.#anchorNames();
    this.#anchorWeights();
    this.#anchorEnds();
    for (let next = this.#queue.next(); next !== undefined; next = this.#queue.next()) this.#take(next);
    this.#pairLeftovers();
    return new Map([...this.#pairs].sort(([one], [other]) => one.order - other.order));
  }

  #take([one, other]: readonly [Node, Node]): void {
    if (this.#pairs.has(one) || this.#taken.has(other)) return;
    this.#pairs.set(one, other);
    this.#taken.add(other);
    this.#voteForProducers(one, other);
    one.outputs.forEach((output, index) => {
      const twin = other.outputs[index];
      if (twin !== undefined) this.#voteForReaders(output, twin, VOTES.reader);
    });
  }

  #vote(one: Node, other: Node, votes: number): void {
    if (this.#pairs.has(one) || this.#taken.has(other) || !this.#fit(one, other)) return;
    const row = this.#votes.get(one) ?? new Map<Node, number>();
    this.#votes.set(one, row);
    const sum = (row.get(other) ?? 0) + votes;
    row.set(other, sum);
    // Of two that are as sure, the one that lies nearer to the same share of the graph.
    this.#queue.add([one, other], sum - Math.abs(this.#places.get(one)! - this.#places.get(other)!));
  }

  #fit(one: Node, other: Node): boolean {
    if (familyOf(one) !== familyOf(other)) return false;
    const [mark, otherMark] = [this.#first.marks.get(one), this.#second.marks.get(other)];
    return mark === undefined || otherMark === undefined || mark.elements === otherMark.elements;
  }

  #anchorNames(): void {
    const names = uniqueBy(layersOf(this.#second.graph), ({ outputs }) => outputNames(outputs));
    for (const [name, one] of uniqueBy(layersOf(this.#first.graph), ({ outputs }) => outputNames(outputs))) {
      const other = names.get(name);
      if (other !== undefined) this.#vote(one, other, VOTES.name);
    }
  }

  /** Among weights of one size the one that is the same; one that several operators have says nothing. */
  #anchorWeights(): void {
    const bySize = new Map<number, [Node, WeightMark][]>();
    for (const [other, mark] of this.#second.marks) {
      const others = bySize.get(mark.elements) ?? [];
      bySize.set(mark.elements, others);
      others.push([other, mark]);
    }
    for (const [one, mark] of this.#first.marks) {
      const alike = bySize.get(mark.elements) ?? [];
      if (alike.length > MOST_ALIKE) continue;
      const same = alike.filter(([, other]) => sameWeight(mark, other));
      for (const [other] of same) this.#vote(one, other, VOTES.weight / same.length);
    }
  }

  #anchorEnds(): void {
    for (const [input, twin] of namedPairs(this.#first.graph.inputs, this.#second.graph.inputs))
      this.#voteForReaders(input, twin, VOTES.input);
    for (const [output, twin] of namedPairs(this.#first.graph.outputs, this.#second.graph.outputs))
      this.#voteForProducer(output, twin, VOTES.output);
  }

  #voteForProducers(one: Node, other: Node): void {
    const [inputs, twins] = [activationInputs(one), activationInputs(other)];
    if (takesAnyOrder(one) && inputs.length > 1) {
      for (const input of inputs) for (const twin of twins) this.#voteForProducer(input, twin, VOTES.anySlot);
      return;
    }
    inputs.forEach((input, slot) => {
      if (twins[slot] !== undefined) this.#voteForProducer(input, twins[slot], VOTES.slot);
    });
  }

  #voteForProducer(value: Value, twin: Value, votes: number): void {
    for (const [one, passed] of producersAbove(value))
      for (const [other, otherPassed] of producersAbove(twin))
        this.#vote(one, other, votes / (1 + passed + otherPassed));
  }

  #voteForReaders(value: Value, twin: Value, votes: number): void {
    const [readers, otherReaders] = [readersBelow(value), readersBelow(twin)];
    for (const [one, passed] of readers) {
      for (const [other, otherPassed] of otherReaders) {
        const alike = readers.filter(([node]) => familyOf(node) === familyOf(one)).length;
        const slots = slotOf(one, value) === slotOf(other, twin) ? 1 : 0.5;
        this.#vote(one, other, (votes * slots) / (alike * (1 + passed + otherPassed)));
      }
    }
  }

  /** What stands before two counterparts at the same place are counterparts too, whatever they are called. */
  #pairLeftovers(): void {
    for (const [one, other] of [...this.#pairs].reverse()) this.#pairProducers(one, other);
  }

  #pairProducers(one: Node, other: Node): void {
    const [producers, twins] = [activationInputs(one), activationInputs(other)].map((values) =>
      values.map((value) => origin(value).producer),
    ) as [(Node | undefined)[], (Node | undefined)[]];
    if (producers.length !== twins.length) return;
    const open = producers.map((node) =>
      node === undefined || !isLayer(node) || this.#pairs.has(node) ? undefined : node,
    );
    const openTwins = twins.map((node) =>
      node === undefined || !isLayer(node) || this.#taken.has(node) ? undefined : node,
    );
    const pairs = takesAnyOrder(one)
      ? [[only(open), only(openTwins)]]
      : open.map((node, slot) => [node, openTwins[slot]]);
    for (const [producer, twin] of pairs) {
      if (producer === undefined || twin === undefined || this.#pairs.has(producer) || this.#taken.has(twin)) continue;
      this.#pairs.set(producer, twin);
      this.#taken.add(twin);
      this.#pairProducers(producer, twin);
    }
  }
}

/** The one that is there; undefined where there are several. */
function only(nodes: readonly (Node | undefined)[]): Node | undefined {
  const found = new Set(nodes.filter((node) => node !== undefined));
  return found.size === 1 ? [...found][0] : undefined;
}

function layersOf(graph: Graph): Node[] {
  return graph.nodes.filter(isLayer);
}

/** By operators: at which share of the graph they stand. */
function placesOf(graph: Graph): [Node, number][] {
  const layers = layersOf(graph);
  return layers.map((node, index) => [node, index / layers.length]);
}

/** Names that a node's values go by, those behind changes of their number format too. */
function outputNames(outputs: readonly Value[]): string[] {
  return outputs.flatMap((value): string[] => {
    const behind = value.users.length === 1 && value.users[0]!.outputs.length === 1 ? value.users[0]! : undefined;
    const own = value.name === "" ? [] : [value.name];
    return behind !== undefined && FORMAT_ONLY.has(behind.type) ? [...own, ...outputNames(behind.outputs)] : own;
  });
}

const FORMAT_ONLY: ReadonlySet<string> = new Set(["QuantizeLinear", "DequantizeLinear"]);

function uniqueBy(nodes: readonly Node[], keysOf: (node: Node) => readonly string[]): Map<string, Node> {
  const found = new Map<string, Node | undefined>();
  for (const node of nodes)
    for (const key of keysOf(node)) found.set(key, found.has(key) && found.get(key) !== node ? undefined : node);
  return new Map([...found].flatMap(([key, node]) => (node === undefined ? [] : [[key, node]])));
}

/** Ends of two networks: by name, or by place where the names differ. */
export function namedPairs(values: readonly Value[], others: readonly Value[]): [Value, Value][] {
  const named = new Map(others.map((value) => [value.name, value]));
  const open = values.filter(({ constant }) => constant === undefined);
  if (open.every(({ name }) => named.has(name))) return open.map((value) => [value, named.get(value.name)!]);
  return open.length === others.length ? open.map((value, index) => [value, others[index]!]) : [];
}

type Neighbour = readonly [node: Node, passed: number];

/** The operator that gives a value, and those before it where that one may be missing in the other graph. */
function producersAbove(value: Value): Neighbour[] {
  const found: Neighbour[] = [];
  let current: Value | undefined = value;
  for (let passed = 0; current !== undefined && passed <= MOST_PASSED; passed++) {
    const producer: Node | undefined = origin(current).producer;
    if (producer === undefined || !isLayer(producer)) break;
    found.push([producer, passed]);
    const inputs: readonly Value[] = activationInputs(producer);
    current = inputs.length === 1 ? inputs[0] : undefined;
  }
  return found;
}

/** The operators that read a value, and those behind one that may be missing in the other graph. */
function readersBelow(value: Value): Neighbour[] {
  const found = new Map<Node, number>();
  let front: Value[] = [value];
  for (let passed = 0; front.length > 0 && passed <= MOST_PASSED && found.size < MOST_NEIGHBOURS; passed++) {
    const readers = front.flatMap(readersOf).filter((node) => isLayer(node) && !found.has(node));
    for (const reader of readers.slice(0, MOST_NEIGHBOURS)) found.set(reader, passed);
    front = readers.filter((node) => activationInputs(node).length === 1).flatMap(({ outputs }) => outputs);
  }
  return [...found];
}

function slotOf(node: Node, value: Value): number {
  return takesAnyOrder(node) ? 0 : activationInputs(node).findIndex((input) => origin(input) === origin(value));
}

/** Candidates, the surest first. */
class CandidateQueue {
  readonly #heap: { readonly pair: readonly [Node, Node]; readonly votes: number }[] = [];

  add(pair: readonly [Node, Node], votes: number): void {
    const heap = this.#heap;
    let place = heap.push({ pair, votes }) - 1;
    for (let parent = (place - 1) >> 1; place > 0 && heap[parent]!.votes < votes; parent = (place - 1) >> 1) {
      [heap[place], heap[parent]] = [heap[parent]!, heap[place]!];
      place = parent;
    }
  }

  next(): readonly [Node, Node] | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top?.pair;
    heap[0] = last;
    for (let place = 0; ; ) {
      const child = [2 * place + 1, 2 * place + 2]
        .filter((each) => each < heap.length)
        .sort((one, other) => heap[other]!.votes - heap[one]!.votes)[0];
      if (child === undefined || heap[child]!.votes <= heap[place]!.votes) return top.pair;
      [heap[place], heap[child]] = [heap[child]!, heap[place]!];
      place = child;
    }
  }
}

/** Whether a value can be followed on to the one behind the operator that alone reads it, which the other graph lacks. */
export function fusedReader(value: Value, paired: (node: Node) => boolean): Node | undefined {
  const [reader, ...others] = readersOf(value);
  if (reader === undefined || others.length > 0 || paired(reader) || !isFusible(reader)) return undefined;
  return reader;
}

/**
 * Operators of a graph that have no counterpart because they are part of one operator of the other graph, with the operator at their end, whose
 * counterpart that is: all that they give ends there, and the two are not of one type.
 */
export function partsOfFused(graph: Graph, pairs: OperatorPairs): Map<Node, Node> {
  const ends = new Map<Node, Node>();
  for (const node of graph.nodes.toReversed()) {
    if (pairs.has(node) || !isLayer(node)) continue;
    const reached = new Set(node.outputs.flatMap(readersOf).map((reader) => ends.get(reader) ?? reader));
    const end = only([...reached]);
    const counterpart = end === undefined ? undefined : pairs.get(end);
    if (end !== undefined && counterpart !== undefined && counterpart.type !== end.type) ends.set(node, end);
  }
  return ends;
}
