import { type Content, html, type Markup } from "./markup.ts";

/** dB with one digit; "equal" where nothing differs. */
export function decibels(value: number): string {
  return value === Number.POSITIVE_INFINITY ? "equal" : value.toFixed(1).replace("Infinity", "∞");
}

/** A share as per cent. */
export function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}

/** Bytes in the unit that suits them. */
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  return count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}

/** A number with few digits. */
export function short(value: number): string {
  return Number.isFinite(value) ? `${Number(value.toPrecision(3))}` : `${value}`;
}

/** A column: its heading, what it shows of a row, and whether these are numbers. */
export interface Column<Row> {
  readonly heading: string;
  readonly of: (row: Row) => Content;
  readonly isNumber?: boolean;
}

/** A table that scrolls by itself, with a name for those who hear it. */
export function table<Row>(name: string, columns: readonly Column<Row>[], rows: readonly Row[]): Markup {
  const head = columns.map(({ heading, isNumber }) => html`<th scope="col"${kind(isNumber)}>${heading}</th>`);
  const body = rows.map(
    (row) => html`<tr>${columns.map(({ of, isNumber }) => html`<td${kind(isNumber)}>${of(row)}</td>`)}</tr>\n`,
  );
  return scrolling(name, html`<table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`);
}

/** A part that scrolls by itself; the keyboard reaches it. */
export function scrolling(name: string, content: Markup): Markup {
  return html`<div class="scroll" role="region" aria-label="${name}" tabindex="0">${content}</div>`;
}

const NUMBER = html` class="n"`;

function kind(isNumber: boolean | undefined): Markup | undefined {
  return isNumber ? NUMBER : undefined;
}
