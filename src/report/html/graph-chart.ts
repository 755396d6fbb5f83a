import { html, type Markup } from "./markup.ts";
import type { ReportGraph, ReportNode } from "./report-data.ts";
import { decibels, scrolling, table } from "./show.ts";

/** Sizes in pixels of a node. */
export const NODE_WIDTH = 124;
export const NODE_HEIGHT = 34;

/** From the best to the worst: the least dB of an operator's own error, its colour and what the colour says. */
const LEVELS: readonly { readonly least: number; readonly colour: string; readonly meaning: string }[] = [
  { least: 40, colour: "g0", meaning: "40 dB or more" },
  { least: 30, colour: "g1", meaning: "30 to 40 dB" },
  { least: 20, colour: "g2", meaning: "20 to 30 dB" },
  { least: 10, colour: "g3", meaning: "10 to 20 dB" },
  { least: Number.NEGATIVE_INFINITY, colour: "g4", meaning: "below 10 dB" },
];

const UNKNOWN = { colour: "gn", meaning: "equal, or not measured" };

/** The operators, coloured by their own error; as a table where there are no places. */
export function graphChart(graph: ReportGraph): Markup {
  return graph.layout === undefined ? nodeTable(graph.nodes) : html`${legend()}${picture(graph)}`;
}

function levelOf({ local }: ReportNode) {
  return local === undefined ? UNKNOWN : LEVELS.find(({ least }) => local >= least)!;
}

function legend(): Markup {
  const entries = [...LEVELS, UNKNOWN].map(
    ({ colour, meaning }) =>
      html`<li><svg viewBox="0 0 10 10" aria-hidden="true"><rect class="${colour}" width="10" height="10"/></svg> ${meaning}</li>`,
  );
  return html`<ul class="legend" aria-label="Own error of an operator">${entries}</ul>`;
}

function picture({ nodes, layout }: ReportGraph): Markup {
  const { width, height, places, paths } = layout!;
  const edges = paths
    .map((points) => points.map(({ x, y }, at) => `${at === 0 ? "M" : "L"}${round(x)} ${round(y)}`).join(""))
    .join("");
  const boxes = nodes.map((node, index) => box(node, places[index]!));
  return scrolling(
    "Graph of the network",
    html`<svg class="graph" width="${round(width)}" height="${round(height)}" viewBox="0 0 ${round(width)} ${round(height)}" role="img" aria-label="Graph of ${nodes.length} operators"><path d="${edges}"/>${boxes}</svg>`,
  );
}

function box(node: ReportNode, { x, y }: { readonly x: number; readonly y: number }): Markup {
  const said = [
    `${node.name} (${node.type})`,
    node.precision,
    node.local === undefined ? undefined : `${decibels(node.local)} dB`,
  ];
  return html`<g transform="translate(${round(x)} ${round(y)})"><title>${said.filter((part) => part !== undefined).join(", ")}</title><rect class="${levelOf(node).colour}" x="${-NODE_WIDTH / 2}" y="${-NODE_HEIGHT / 2}" width="${NODE_WIDTH}" height="${NODE_HEIGHT}"/><text y="-2">${node.type}</text><text class="name" y="11">${end(node.name)}</text></g>\n`;
}

function nodeTable(nodes: readonly ReportNode[]): Markup {
  return html`<p>The network has ${nodes.length} operators: too many to draw.</p>${table(
    "Operators of the network",
    [
      { heading: "Operator", of: ({ name }) => name },
      { heading: "Type", of: ({ type }) => type },
      { heading: "Computes in", of: ({ precision }) => precision },
      { heading: "Own error, dB", of: ({ local }) => (local === undefined ? "" : decibels(local)), isNumber: true },
    ],
    nodes,
  )}`;
}

/** The end of a name: the beginning is the same for many. */
function end(name: string): string {
  return name.length <= MOST_LETTERS ? name : `…${name.slice(1 - MOST_LETTERS)}`;
}

const MOST_LETTERS = 24;

function round(value: number): number {
  return Math.round(value);
}
