import { channelChart, histogramChart } from "./charts.ts";
import { graphChart } from "./graph-chart.ts";
import { html, Markup } from "./markup.ts";
import type { ReportCard, ReportData, ReportDecisions, ReportExamples, ReportTrial } from "./report-data.ts";
import { bytes, decibels, percent, short, table } from "./show.ts";
import { STYLE } from "./style.ts";

/** Nothing is loaded, nothing is run: what a browser would be asked to do otherwise, it refuses. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

interface Section {
  readonly id: string;
  readonly heading: string;
  readonly of: (data: ReportData) => Markup | undefined;
}

/** In the order of the page. One that has nothing to say is left out. */
const SECTIONS: readonly Section[] = [
  { id: "card", heading: "Before and after", of: ({ card }) => card && cardOf(card) },
  { id: "trials", heading: "What was tried", of: ({ trials }) => trials && trialsOf(trials) },
  { id: "losses", heading: "Where it was lost", of: lossesOf },
  {
    id: "decisions",
    heading: "What becomes of each operator",
    of: ({ decisions }) => decisions && decisionsOf(decisions),
  },
  {
    id: "examples",
    heading: "Examples that changed their answer",
    of: ({ examples }) => examples && examplesOf(examples),
  },
  {
    id: "histograms",
    heading: "Values and where they are cut",
    of: ({ histograms }) => histograms && html`<div class="charts">${histograms.map(histogramChart)}</div>`,
  },
  {
    id: "weights",
    heading: "Weights by channel",
    of: ({ weights }) => weights && html`<div class="charts">${weights.map(channelChart)}</div>`,
  },
  { id: "graph", heading: "The network", of: ({ graph }) => graph && graphChart(graph) },
  { id: "made", heading: "How it was made", of: madeOf },
];

/**
 * The report as one HTML file: no scripts, no requests, charts as SVG. Of the same data it is the same text.
 */
export function reportHtml(data: ReportData): string {
  const sections = SECTIONS.flatMap(({ id, heading, of }) => {
    const content = of(data);
    return content === undefined ? [] : [{ id, heading, content }];
  });
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<link rel="icon" href="data:,">
<title>${data.title}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<header><h1>${data.title}</h1>
<nav aria-label="Sections"><ul>${sections.map(({ id, heading }) => html`<li><a href="#${id}">${heading}</a></li>`)}</ul></nav></header>
<main>
${sections.map(({ id, heading, content }) => html`<section id="${id}" aria-labelledby="${id}-heading"><h2 id="${id}-heading">${heading}</h2>\n${content}</section>\n`)}</main>
</body>
</html>
`;
  return page.text;
}

function cardOf(card: ReportCard): Markup {
  const entries = [
    ...(card.bytes === undefined ? [] : [change("Size", card.bytes, bytes, "smaller")]),
    ...(card.milliseconds === undefined
      ? []
      : [change("Time of a run", card.milliseconds, (ms) => `${ms.toFixed(2)} ms`, "faster")]),
    ...(card.agreement === undefined ? [] : [entry("Same answer", percent(card.agreement), "of the examples")]),
    ...(card.decibels === undefined
      ? []
      : [entry("Output against the first model", `${decibels(card.decibels)} dB`, "signal to noise")]),
    ...(card.top1 === undefined ? [] : [accuracy("Top 1", card.top1)]),
    ...(card.top5 === undefined ? [] : [accuracy("Top 5", card.top5)]),
  ];
  const measured = card.samples === undefined ? "" : ` Measured on ${card.samples} examples.`;
  return html`<p><strong>${card.names[1]}</strong> against ${card.names[0]}.${measured}</p><dl class="cards">${entries}</dl>`;
}

function entry(term: string, value: string, more: string): Markup {
  return html`<div><dt>${term}</dt><dd><strong>${value}</strong>${more}</dd></div>`;
}

function change(
  term: string,
  [before, after]: readonly [number, number],
  show: (value: number) => string,
  better: string,
): Markup {
  const factor =
    before >= after
      ? `${(before / after).toFixed(2)}× ${better}`
      : `${(after / before).toFixed(2)}× ${OPPOSITES[better]}`;
  return entry(term, show(after), `was ${show(before)}: ${factor}`);
}

const OPPOSITES: Readonly<Record<string, string>> = { smaller: "larger", faster: "slower" };

function accuracy(term: string, [before, after]: readonly [number | undefined, number]): Markup {
  return entry(
    term,
    percent(after, 2),
    before === undefined ? "of the labelled examples" : `was ${percent(before, 2)}`,
  );
}

function trialsOf(trials: readonly ReportTrial[]): Markup {
  return table(
    "Trials",
    [
      { heading: "Tried", of: ({ what }) => what },
      { heading: "Result", of: ({ result }) => result },
      { heading: "Taken", of: ({ taken }) => (taken ? "yes" : "") },
    ],
    trials,
  );
}

const MOST_LOSSES = 40;

function lossesOf({ losses, remarks = [] }: ReportData): Markup | undefined {
  if (losses === undefined) return undefined;
  const said = remarks.map((remark) => html`<p>${remark}</p>`);
  if (losses.length === 0) return html`${said}<p>No operator differs.</p>`;
  return html`${said}<p class="soft">Own error: with the inputs of the first model. Accumulated: as the model runs. Outputs: the first model with this error alone.</p>${table(
    "Operators that lose most",
    [
      { heading: "Operator", of: ({ operator, type }) => html`${operator} <span class="soft">${type}</span>` },
      { heading: "Own, dB", of: ({ local }) => decibels(local), isNumber: true },
      { heading: "Accumulated, dB", of: ({ accumulated }) => decibels(accumulated), isNumber: true },
      { heading: "Outputs, dB", of: ({ effect }) => (effect === undefined ? "" : decibels(effect)), isNumber: true },
      { heading: "Because", of: ({ reason, evidence }) => html`<strong>${reason}</strong>: ${evidence}` },
      { heading: "What would help", of: ({ remedy }) => remedy },
    ],
    losses.slice(0, MOST_LOSSES),
  )}`;
}

function decisionsOf({ operators, values, weights, warnings, notes }: ReportDecisions): Markup {
  const stored = new Map(weights.map((weight) => [weight.operator, weight]));
  const int8 = operators.filter(({ precision }) => precision === "int8").length;
  return html`<p>${int8} of ${operators.length} operators compute in int8; ${values.length} values and ${weights.length} weights are stored in few bits.</p>
${list(notes)}${list(warnings.map(({ subject, problem, remedy }) => `${subject}: ${problem}. ${remedy}`))}${table(
  "Decisions",
  [
    { heading: "Operator", of: ({ name }) => name },
    { heading: "Type", of: ({ type }) => type },
    { heading: "Computes in", of: ({ precision, label }) => label ?? precision },
    { heading: "Because", of: ({ reason }) => reason },
    {
      heading: "Weight",
      of: ({ name }) => {
        const weight = stored.get(name);
        return weight === undefined ? "" : `${weight.type}, ${weight.granularity}, ${weight.method}`;
      },
    },
  ],
  operators,
)}${values.length === 0 ? undefined : valueTable(values)}`;
}

function valueTable(values: ReportDecisions["values"]): Markup {
  return html`<h3>Values</h3>${table(
    "Values",
    [
      { heading: "Value", of: ({ name }) => name },
      { heading: "Type", of: ({ type }) => type },
      { heading: "Scale", of: ({ scale }) => short(scale), isNumber: true },
      { heading: "Range", of: ({ low, high }) => `${short(low)} to ${short(high)}`, isNumber: true },
      { heading: "Method", of: ({ method, reason }) => (reason === "" ? method : `${method}; ${reason}`) },
      { heading: "Clipped", of: ({ clipped }) => (clipped === undefined ? "" : percent(clipped, 3)), isNumber: true },
    ],
    values,
  )}`;
}

function list(lines: readonly string[]): Markup | undefined {
  return lines.length === 0 ? undefined : html`<ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>`;
}

function examplesOf({ compared, changed, shown }: ReportExamples): Markup {
  const entries = shown.map(
    ({ name, answers, picture }) =>
      html`<li>${picture === undefined ? undefined : html`<img src="${picture}" alt="${`Example ${name}`}">`}<span>${name}</span><br><span class="soft">${answers[0]} → ${answers[1]}</span></li>`,
  );
  return html`<p>${changed} of ${compared} examples.</p>${entries.length === 0 ? undefined : html`<ul class="pictures">${entries}</ul>`}`;
}

function madeOf({ made: { command, versions, recipe } }: ReportData): Markup {
  return html`<pre tabindex="0" aria-label="Command">${command}</pre><p class="soft">${versions}</p>${
    recipe === undefined ? undefined : html`<h3>Recipe</h3><pre tabindex="0" aria-label="Recipe">${recipe}</pre>`
  }`;
}
