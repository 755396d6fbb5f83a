import { NODE_HEIGHT, NODE_WIDTH } from "./graph-chart.ts";
import type { ReportGraph, ReportLayout } from "./report-data.ts";

/** Larger graphs are shown as a table: nobody finds anything in the picture of one, and laying it out takes minutes. */
export const MOST_DRAWN_NODES = 1500;

/** Gives a graph's operators their places, top to bottom. Dagre is loaded for it. */
export async function layOutGraph({ nodes, edges }: Omit<ReportGraph, "layout">): Promise<ReportGraph> {
  if (nodes.length === 0 || nodes.length > MOST_DRAWN_NODES) return { nodes, edges, layout: undefined };
  const { Graph, layout } = await import("@dagrejs/dagre");
  const graph = new Graph({ multigraph: false });
  graph.setGraph({ nodesep: 16, ranksep: 24, marginx: 8, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const index of nodes.keys()) graph.setNode(`${index}`, { width: NODE_WIDTH, height: NODE_HEIGHT });
  for (const [from, to] of edges) graph.setEdge(`${from}`, `${to}`);
  layout(graph);
  return { nodes, edges, layout: placesIn(graph, nodes.length) };
}

interface LaidOut {
  graph(): unknown;
  node(name: string): unknown;
  edges(): readonly { readonly v: string; readonly w: string }[];
  edge(edge: { readonly v: string; readonly w: string }): unknown;
}

interface Place {
  readonly x: number;
  readonly y: number;
}

function placesIn(graph: LaidOut, count: number): ReportLayout {
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    width,
    height,
    places: Array.from({ length: count }, (_, index) => {
      const { x, y } = graph.node(`${index}`) as Place;
      return { x, y };
    }),
    paths: graph.edges().map((edge) => (graph.edge(edge) as { points: Place[] }).points.map(({ x, y }) => ({ x, y }))),
  };
}
