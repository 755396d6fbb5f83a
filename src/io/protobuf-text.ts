import { BoltqError } from "./error.ts";

/** Messages inside messages: deeper than any real file goes. */
const MOST_NESTING = 100;

/** A place in a text, both counted from 1. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

/** One field as it is written. A number or a word (an enumeration, true, false) is kept as its text. */
export type TextField = TextPlace & { readonly name: string } & (
    | { readonly kind: "plain" | "string"; readonly text: string }
    | { readonly kind: "message"; readonly message: TextMessage }
  );

/**
 * A message in protobuf's text format, without a schema: how a field is read decides what it must be. Of a field that is
 * there several times, but is read as one, the last counts.
 */
export class TextMessage {
  readonly fields: readonly TextField[];
  readonly place: TextPlace;
  readonly #byName = new Map<string, TextField[]>();
  readonly #asked = new Set<string>();

  constructor(fields: readonly TextField[] = [], place: TextPlace = { line: 1, column: 1 }) {
    this.fields = fields;
    this.place = place;
    for (const field of fields) {
      const known = this.#byName.get(field.name);
      if (known === undefined) this.#byName.set(field.name, [field]);
      else known.push(field);
    }
  }

  /** Throws BoltqError `format` with line and column, or `limit`, when `text` is no such message. */
  static parse(text: string): TextMessage {
    return new TextParser(text).message();
  }

  has(name: string): boolean {
    return this.#all(name).length > 0;
  }

  /** The fields that nothing has asked for yet, here and in the messages inside that were asked for. */
  unread(): TextField[] {
    return this.fields.flatMap((field) => {
      if (!this.#asked.has(field.name)) return [field];
      return field.kind === "message" ? field.message.unread() : [];
    });
  }

  text(name: string, absent = ""): string {
    return this.texts(name).at(-1) ?? absent;
  }

  texts(name: string): string[] {
    return this.#all(name).map((field) => (field.kind === "string" ? field.text : fail(field, "a text in quotes")));
  }

  /** An enumeration's value by name, also where its number is written; a number that `names` lacks is kept as text. */
  word(name: string, absent: string, names: Readonly<Record<number, string>> = {}): string {
    const field = this.#all(name).at(-1);
    if (field === undefined) return absent;
    if (field.kind !== "plain") return fail(field, "a word");
    return /^\d+$/.test(field.text) && Object.hasOwn(names, field.text) ? names[Number(field.text)]! : field.text;
  }

  flag(name: string, absent: boolean): boolean {
    const field = this.#all(name).at(-1);
    if (field === undefined) return absent;
    const value = field.kind === "plain" ? FLAGS[field.text] : undefined;
    return value ?? fail(field, "true or false");
  }

  integer(name: string, absent: number): number {
    return this.integers(name).at(-1) ?? absent;
  }

  integers(name: string): number[] {
    return this.#all(name).map(integerOf);
  }

  /** A float, rounded to float32 as protobuf does. */
  float(name: string, absent: number): number {
    return this.floats(name).at(-1) ?? absent;
  }

  floats(name: string): number[] {
    return this.#all(name).map(floatOf);
  }

  /** A message; an empty one if it is not there. */
  message(name: string): TextMessage {
    return this.messages(name).at(-1) ?? new TextMessage([], this.place);
  }

  messages(name: string): TextMessage[] {
    return this.#all(name).map((field) => (field.kind === "message" ? field.message : fail(field, "a message { … }")));
  }

  #all(name: string): readonly TextField[] {
    this.#asked.add(name);
    return this.#byName.get(name) ?? [];
  }
}

const FLAGS: Readonly<Record<string, boolean>> = {
  __proto__: null as never,
  true: true,
  false: false,
  t: true,
  f: false,
  "1": true,
  "0": false,
};

function fail(field: TextField, expected: string): never {
  throw formatError(`the field "${field.name}" must be ${expected}`, field);
}

function integerOf(field: TextField): number {
  const match = field.kind === "plain" && /^-?(0[xX][0-9a-fA-F]+|\d+)$/.test(field.text);
  if (!match) return fail(field, "a whole number");
  const number = field.text.startsWith("-") ? -Number(field.text.slice(1)) : Number(field.text);
  return Number.isSafeInteger(number) ? number : fail(field, "a whole number below 2^53");
}

function floatOf(field: TextField): number {
  if (field.kind !== "plain") return fail(field, "a number");
  const special = /^(-?)(inf|infinity|nan)f?$/i.exec(field.text);
  if (special !== null) {
    const number = special[2]!.toLowerCase() === "nan" ? Number.NaN : Number.POSITIVE_INFINITY;
    return special[1] === "-" ? -number : number;
  }
  const plain = /^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[fF]?$/.test(field.text);
  return plain ? Math.fround(Number(field.text.replace(/[fF]$/, ""))) : fail(field, "a number");
}

/** The error of something wrong at a place in a text. */
export function formatError(problem: string, { line, column }: TextPlace): BoltqError {
  return new BoltqError("format", problem, { subject: `line ${line}, column ${column}` });
}

/** Words, numbers, strings and marks, after any blanks and comments. */
const BLANK = /(?:\s|#[^\n]*)+/y;
const TOKEN =
  /[A-Za-z_][A-Za-z0-9_.]*|-?\s*(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fF]?|[A-Za-z]+)|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[{}<>[\]:;,]/y;

interface Token extends TextPlace {
  /** "" at the end. */
  readonly text: string;
}

class TextParser {
  readonly #text: string;
  #at = 0;
  #line = 1;
  #lineStart = 0;
  #next: Token;

  constructor(text: string) {
    this.#text = text.startsWith("\ufeff") ? text.slice(1) : text;
    this.#next = this.#scan();
  }

  message(): TextMessage {
    return this.#fields("", 0, { line: 1, column: 1 });
  }

  #fields(end: string, depth: number, place: TextPlace): TextMessage {
    if (depth > MOST_NESTING)
      throw new BoltqError("limit", `messages are nested more than ${MOST_NESTING} deep`, {
        subject: `line ${place.line}, column ${place.column}`,
      });
    const fields: TextField[] = [];
    while (this.#next.text !== end) this.#field(fields, depth);
    if (end !== "") this.#take();
    return new TextMessage(fields, place);
  }

  #field(fields: TextField[], depth: number): void {
    const name = this.#take();
    if (!/^[A-Za-z_]/.test(name.text)) {
      throw formatError(
        name.text === "" ? "the text ends inside a message" : `expected the name of a field, not ${name.text}`,
        name,
      );
    }
    const colon = this.#skip(":");
    if (this.#skip("[")) {
      if (!this.#skip("]")) {
        do fields.push(this.#value(name, depth));
        while (this.#skip(","));
        this.#expect("]");
      }
    } else if (colon || this.#next.text === "{" || this.#next.text === "<") fields.push(this.#value(name, depth));
    else throw formatError(`expected ":" or "{" after "${name.text}"`, this.#next);
    if (!this.#skip(";")) this.#skip(",");
  }

  #value({ text: name, line, column }: Token, depth: number): TextField {
    const token = this.#take();
    const close = token.text === "{" ? "}" : token.text === "<" ? ">" : undefined;
    if (close !== undefined)
      return { name, line, column, kind: "message", message: this.#fields(close, depth + 1, token) };
    if (/^["']/.test(token.text)) return { name, line, column, kind: "string", text: this.#string(token) };
    if (/^[-.\w]/.test(token.text)) return { name, line, column, kind: "plain", text: token.text.replace(/\s/g, "") };
    throw formatError(`expected the value of "${name}"`, token);
  }

  /** Strings that follow each other are one. */
  #string(first: Token): string {
    const parts = [unquoted(first)];
    while (/^["']/.test(this.#next.text)) parts.push(unquoted(this.#take()));
    return parts.join("");
  }

  #expect(mark: string): void {
    if (!this.#skip(mark)) throw formatError(`expected "${mark}"`, this.#next);
  }

  #skip(mark: string): boolean {
    if (this.#next.text !== mark) return false;
    this.#take();
    return true;
  }

  #take(): Token {
    const token = this.#next;
    if (token.text !== "") this.#next = this.#scan();
    return token;
  }

  #scan(): Token {
    BLANK.lastIndex = this.#at;
    const blank = BLANK.exec(this.#text)?.[0] ?? "";
    for (let index = blank.indexOf("\n"); index >= 0; index = blank.indexOf("\n", index + 1)) {
      this.#line++;
      this.#lineStart = this.#at + index + 1;
    }
    this.#at += blank.length;
    const place = { line: this.#line, column: this.#at - this.#lineStart + 1 };
    if (this.#at >= this.#text.length) return { text: "", ...place };
    TOKEN.lastIndex = this.#at;
    const text = TOKEN.exec(this.#text)?.[0];
    if (text === undefined) {
      const character = JSON.stringify(this.#text[this.#at]);
      throw formatError(`${character} is not expected here (is this protobuf text?)`, place);
    }
    this.#at += text.length;
    return { text, ...place };
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", a: "\x07", b: "\b", f: "\f", v: "\v" };

function unquoted({ text }: Token): string {
  return text.slice(1, -1).replace(/\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)/g, (_, code: string) => {
    if (code.startsWith("x") && code.length > 1) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 0xff);
    return ESCAPES[code] ?? code;
  });
}
