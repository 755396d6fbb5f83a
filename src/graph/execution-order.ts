import { BoltqError } from "../io/error.ts";
import type { Node, Value } from "./graph.ts";

/**
 * The nodes in an order in which each stands behind those whose results it reads; where that is so already, the order
 * stays. `reads` gives what a node needs before it can run. Throws BoltqError `invalid-graph` for a circle, and names an
 * operator of it.
 */
export function executionOrder<Data>(
  nodes: readonly Node<Data>[],
  reads: (node: Node<Data>) => Iterable<Value<Data> | undefined>,
): Node<Data>[] {
  const own = new Set(nodes);
  const done = new Set<Node<Data>>();
  const begun = new Set<Node<Data>>();
  const order: Node<Data>[] = [];
  for (const node of nodes) {
    // Operators that wait for those they read, the last one first: a chain may be too long for recursion.
    const waiting = [node];
    while (waiting.length > 0) {
      const next = waiting.at(-1)!;
      const missing = begun.has(next) ? undefined : producersOf(reads(next)).filter((producer) => own.has(producer));
      begun.add(next);
      for (const producer of (missing ?? []).reverse()) {
        if (begun.has(producer) && !done.has(producer)) throw circle(producer);
        if (!done.has(producer)) waiting.push(producer);
      }
      if (waiting.at(-1) !== next) continue;
      waiting.pop();
      if (!done.has(next)) order.push(next);
      done.add(next);
    }
  }
  return order;
}

function producersOf<Data>(values: Iterable<Value<Data> | undefined>): Node<Data>[] {
  return [...values].flatMap((value) => value?.producer ?? []);
}

function circle<Data>({ name, type }: Node<Data>): BoltqError {
  return new BoltqError("invalid-graph", "it needs its own result, over other operators or at once", {
    subject: `operator "${name}" (${type})`,
    remedy: "A network must not have circles; export the model again",
  });
}
