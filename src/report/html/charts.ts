import { html, type Markup, Markup as Plain } from "./markup.ts";
import type { ReportChannels, ReportHistogram } from "./report-data.ts";
import { percent, short } from "./show.ts";

const WIDTH = 280;
const HEIGHT = 90;
/** Of the height, what the bars take; the rest is for the numbers below. */
const BARS = 74;

/** Bars of how often numbers of each size were seen, drawn by the root of their count, with lines where the range ends. */
export function histogramChart({ name, edges, counts, range, clipped }: ReportHistogram): Markup {
  const [low, high] = [Math.min(edges[0]!, range?.[0] ?? 0), Math.max(edges.at(-1)!, range?.[1] ?? 0)];
  const x = (value: number) => (high > low ? ((value - low) / (high - low)) * WIDTH : WIDTH / 2);
  const most = Math.sqrt(counts.reduce((largest, count) => Math.max(largest, count), 1));
  const bars = counts.map((count, bin) => {
    const [left, right] = [x(edges[bin]!), x(edges[bin + 1]!)];
    return count === 0 ? "" : bar(left, right - left, (Math.sqrt(count) / most) * BARS);
  });
  const cut = range === undefined ? "" : `, kept from ${short(range[0])} to ${short(range[1])}`;
  const lost = clipped === undefined ? "" : `, ${percent(clipped, 3)} clipped`;
  return figure(`${name}${lost}`, `Numbers of ${name} from ${short(edges[0]!)} to ${short(edges.at(-1)!)}${cut}`, [
    path("bar", bars.join("")),
    path("cut", (range ?? []).map((end) => `M${fixed(x(end))} 0V${BARS}`).join("")),
    axisLabels([short(low), short(high)]),
  ]);
}

/** Most bars of a chart: of more channels the largest of each run is shown. */
const MOST_BARS = 128;

/** Bars of the largest magnitude of each channel, with a line at what the scales reach to. */
export function channelChart({ operator, magnitudes, reach }: ReportChannels): Markup {
  const bars = largestOfRuns(magnitudes);
  const lines = reach.length === magnitudes.length ? largestOfRuns(reach) : bars.map(() => reach[0] ?? 0);
  const most = [...bars, ...lines].reduce((largest, value) => Math.max(largest, value), Number.MIN_VALUE);
  const step = WIDTH / bars.length;
  const tops = lines.map((value, place) => {
    const y = fixed(BARS - (value / most) * BARS);
    return `${place === 0 ? "M0 " : "V"}${y}H${fixed((place + 1) * step)}`;
  });
  const spread = magnitudes.reduce((least, value) => (value > 0 ? Math.min(least, value) : least), most) / most;
  return figure(
    `${operator}: ${magnitudes.length} channels, the smallest ${percent(spread)} of the largest`,
    `Largest magnitudes of the channels of ${operator}, up to ${short(most)}`,
    [
      path("bar", bars.map((value, place) => bar(place * step, step * 0.85, (value / most) * BARS)).join("")),
      path("cut", reach.length === 0 ? "" : tops.join("")),
      axisLabels(["channel 0", `${magnitudes.length - 1}`]),
    ],
  );
}

function largestOfRuns(values: readonly number[]): number[] {
  const run = Math.ceil(values.length / MOST_BARS);
  return Array.from({ length: Math.ceil(values.length / run) }, (_, place) =>
    values.slice(place * run, (place + 1) * run).reduce((largest, value) => Math.max(largest, value), 0),
  );
}

function figure(caption: string, label: string, parts: readonly Markup[]): Markup {
  return html`<figure><figcaption>${caption}</figcaption><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">${parts}</svg></figure>\n`;
}

function bar(x: number, width: number, height: number): string {
  return `M${fixed(x)} ${BARS}v-${fixed(height)}h${fixed(Math.max(width, 0.5))}v${fixed(height)}`;
}

function path(className: string, data: string): Markup {
  return data === "" ? new Plain("") : html`<path class="${className}" d="${data}"/>`;
}

function axisLabels([left, right]: readonly [string, string]): Markup {
  return html`<text class="axis" x="2" y="86">${left}</text><text class="axis" x="${WIDTH - 2}" y="86" text-anchor="end">${right}</text>`;
}

function fixed(value: number): string {
  return `${Math.round(10 * value) / 10}`;
}
