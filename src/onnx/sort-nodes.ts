import { BoltqError } from "../io/error.ts";
import type { OnnxGraph, OnnxNode, OnnxValue } from "./model.ts";
import { subgraphsOf } from "./subgraphs.ts";

/**
 * Puts the nodes of a graph in an order in which each comes after those whose results it reads, as ONNX demands and not
 * every exporter does. A graph that is in order stays as it is. Throws BoltqError `invalid-graph` for a circle.
 */
export function sortNodes({ graph }: OnnxGraph): void {
  const sorted = sortedNodes(graph.nodes);
  const first = sorted.findIndex((node, index) => node !== graph.nodes[index]);
  if (first < 0) return;
  for (const node of sorted.slice(first)) {
    const { name, type, inputs, outputs, data } = node;
    graph.remove(node);
    graph.append({ name, type, inputs, outputs, data });
  }
}

function sortedNodes(nodes: readonly OnnxNode[]): OnnxNode[] {
  const waiting = new Set(nodes);
  const entered = new Set<OnnxNode>();
  const sorted: OnnxNode[] = [];
  const path: OnnxNode[] = [];
  for (const start of nodes) {
    path.push(start);
    for (let node = path.at(-1); node !== undefined; node = path.at(-1)) {
      const before = waiting.has(node) ? producersOf(node).filter((producer) => waiting.has(producer)) : [];
      if (before.length > 0 && entered.has(node)) throw circle(node);
      entered.add(node);
      path.push(...before);
      if (before.length > 0) continue;
      path.pop();
      if (waiting.delete(node)) sorted.push(node);
    }
  }
  return sorted;
}

/** The nodes whose results a node reads, in its subgraphs too. */
function producersOf(node: OnnxNode): OnnxNode[] {
  return readBy(node).flatMap((value) => value?.producer ?? []);
}

function readBy(node: OnnxNode): (OnnxValue | undefined)[] {
  const inner = subgraphsOf(node).flatMap(({ graph }) => [...graph.nodes.flatMap(readBy), ...graph.outputs]);
  return [...node.inputs, ...inner];
}

function circle({ name, type }: OnnxNode): BoltqError {
  return new BoltqError("invalid-graph", "it reads what is calculated from its own result", {
    subject: `operator "${name}" (${type})`,
  });
}
