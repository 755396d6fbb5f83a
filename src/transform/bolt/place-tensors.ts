import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { BoltqError } from "../../io/error.ts";
import { RETIRED } from "./pass.ts";

/** Tensors of these operators get memory of their own. */
const STANDALONE = new Set([RETIRED, "PreAllocatedMemory", "SharedWeight", "Check", "Repeat", "Jump", "LayerNorm"]);

/** Position of a tensor that has memory of its own. */
const ALONE = -1;

/**
 * Gives every tensor a memory slot, used again when its last reader is done (MemoryReuseOptimizer). It goes by names, as
 * Bolt's engine does: a name used in place is one tensor.
 */
export async function placeTensors(model: BoltModel): Promise<boolean> {
  const nodes = model.graph.nodes;
  const lastReads = findLastReads(model, nodes);
  const loops = findLoops(nodes);
  const memory = new Memory(lastReads);
  for (const { name } of model.graph.inputs) {
    if (loops.some(([start, end]) => memory.lastRead(name) >= start && memory.lastRead(name) <= end))
      memory.placed.set(name, ALONE);
    else memory.allocate(name, 0);
  }
  nodes.forEach((node, step) => {
    if (node.type !== RETIRED) node.data.positions = placeOperator(node, step, memory, loops);
  });
  return false;
}

function findLastReads(model: BoltModel, nodes: readonly BoltNode[]): Map<string, number> {
  const lastReads = new Map<string, number>();
  nodes.forEach((node, step) => {
    if (node.type !== "Repeat")
      for (const input of node.inputs) if (input !== undefined) lastReads.set(input.name, step);
  });
  for (const output of model.graph.outputs) lastReads.set(output.name, nodes.length);
  return lastReads;
}

/** First and last step of each loop: a Repeat names the operator to go back to as its first input. */
function findLoops(nodes: readonly BoltNode[]): [number, number][] {
  const steps = new Map<string, number>();
  nodes.forEach((node, step) => {
    if (!steps.has(node.name)) steps.set(node.name, step);
  });
  return nodes.flatMap((node, step): [number, number][] => {
    if (node.type !== "Repeat") return [];
    const start = steps.get(node.input(0).name);
    if (start === undefined) {
      throw new BoltqError("invalid-graph", `the loop starts at "${node.input(0).name}", which is no operator`, {
        subject: `operator "${node.name}" (Repeat)`,
      });
    }
    return [[start, step]];
  });
}

class Memory {
  /** Slot of each tensor placed so far. */
  readonly placed = new Map<string, number>();
  readonly #freeAfter: number[] = [];
  readonly #lastReads: ReadonlyMap<string, number>;

  constructor(lastReads: ReadonlyMap<string, number>) {
    this.#lastReads = lastReads;
  }

  /** The step of a tensor's last reader; 0 if nothing reads it. */
  lastRead(name: string): number {
    return this.#lastReads.get(name) ?? 0;
  }

  /** The last slot that is free at `step`, or a new one. */
  allocate(name: string, step: number): number {
    const free = this.#freeAfter.findLastIndex((last) => step > last);
    const slot = free < 0 ? this.#freeAfter.length : free;
    this.#freeAfter[slot] = this.lastRead(name);
    if (!this.placed.has(name)) this.placed.set(name, slot);
    return slot;
  }
}

function placeOperator(node: BoltNode, step: number, memory: Memory, loops: readonly [number, number][]): Int32Array {
  const names = [...node.inputs.map((input) => input?.name ?? ""), ...node.outputs.map((output) => output.name)];
  const positions = new Int32Array(names.length);
  const waiting: number[] = [];
  names.forEach((name, index) => {
    const known = memory.placed.get(name);
    const outsideLoop = index >= node.inputs.length && outlivesIntoLoop(memory.lastRead(name), step, loops);
    if (known !== undefined) positions[index] = known;
    else if (STANDALONE.has(node.type) || outsideLoop) {
      memory.placed.set(name, ALONE);
      positions[index] = ALONE;
    } else waiting.push(index);
  });
  waiting.sort((one, other) => memory.lastRead(names[other]!) - memory.lastRead(names[one]!));
  for (const index of waiting) positions[index] = memory.allocate(names[index]!, step);
  return positions;
}

function outlivesIntoLoop(lastRead: number, step: number, loops: readonly [number, number][]): boolean {
  return loops.some(([start, end]) => lastRead >= start && lastRead <= end && (step < start || step > end));
}
