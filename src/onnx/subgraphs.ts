import type { OnnxGraph, OnnxNode } from "./model.ts";

/** Graphs in the attributes of a node. */
export function subgraphsOf(node: OnnxNode): OnnxGraph[] {
  return [...node.data.attributes.values()].flatMap((attribute) => {
    if (attribute.kind === "graph") return [attribute.value];
    return attribute.kind === "graphs" ? attribute.value : [];
  });
}
