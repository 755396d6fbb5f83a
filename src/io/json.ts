import { BoltqError } from "./error.ts";

/** How deep lists and objects may lie in each other. */
export const MAX_JSON_DEPTH = 100;

/**
 * Parses JSON, in time linear in the text. Throws BoltqError `format` that says in which line and column of `file` it stops
 * being JSON, where it is nested deeper than `MAX_JSON_DEPTH`, or where an object has a name for the second time;
 * `duplicates` lets the last one win, as Bolt's reader does.
 */
export function parseJson(text: string, file: string, { duplicates = false }: { duplicates?: boolean } = {}): unknown {
  const scanner = new JsonScanner(text, duplicates);
  const problem = scanner.firstProblem();
  if (problem === undefined) return JSON.parse(text);
  const before = text.slice(0, scanner.offset).split("\n");
  throw new BoltqError("format", `${problem} at line ${before.length}, column ${before.at(-1)!.length + 1}`, {
    file,
    remedy: "Correct the file",
  });
}

/** What has begun and not yet ended. */
interface Open {
  /** Code of the character that ends it. */
  readonly end: number;
  /** The names that the object has so far. */
  readonly names: Set<string>;
}

/** `JSON.parse` says neither where it failed, in every engine, nor that a name stood there twice: this does. */
class JsonScanner {
  /** Where the problem is; the text's end when something is missing there. */
  offset = 0;
  readonly #text: string;
  readonly #duplicates: boolean;
  readonly #open: Open[] = [];

  constructor(text: string, duplicates: boolean) {
    this.#text = text;
    this.#duplicates = duplicates;
  }

  firstProblem(): string | undefined {
    do {
      const problem = this.#element();
      if (problem !== undefined) return problem;
      let inside = this.#open.at(-1);
      while (inside !== undefined && this.#takeCharacter(inside.end)) {
        this.#open.pop();
        inside = this.#open.at(-1);
      }
      if (inside !== undefined && !this.#takeCharacter(COMMA)) return NO_JSON;
    } while (this.#open.length > 0);
    this.#skipSpace();
    return this.offset === this.#text.length ? undefined : NO_JSON;
  }

  /** A value or the beginning of one, with the name before it inside an object. */
  #element(): string | undefined {
    for (;;) {
      const inside = this.#open.at(-1);
      const problem = inside?.end === CLOSING_BRACE ? this.#name(inside.names) : undefined;
      if (problem !== undefined) return problem;
      this.#skipSpace();
      if (this.#takePattern(SCALAR) || this.#takeString()) return undefined;
      const end = CLOSING[this.#text[this.offset] ?? ""];
      if (end === undefined) return NO_JSON;
      if (this.#open.length === MAX_JSON_DEPTH) return `this is nested more than ${MAX_JSON_DEPTH} levels deep`;
      this.offset += 1;
      if (this.#takeCharacter(end)) return undefined;
      this.#open.push({ end, names: new Set() });
    }
  }

  #name(names: Set<string>): string | undefined {
    this.#skipSpace();
    const start = this.offset;
    if (!this.#takeString()) return NO_JSON;
    const name = JSON.parse(this.#text.slice(start, this.offset)) as string;
    if (!this.#duplicates && names.has(name)) {
      this.offset = start;
      return `the name ${JSON.stringify(name)} is there twice`;
    }
    names.add(name);
    return this.#takeCharacter(COLON) ? undefined : NO_JSON;
  }

  #takeString(): boolean {
    if (this.#text.charCodeAt(this.offset) !== QUOTE) return false;
    for (let at = this.offset + 1; at < this.#text.length; at++) {
      const code = this.#text.charCodeAt(at);
      if (code === QUOTE) {
        this.offset = at + 1;
        return true;
      }
      if (code < SPACE) return false;
      if (code !== BACKSLASH) continue;
      ESCAPE.lastIndex = at;
      if (!ESCAPE.test(this.#text)) return false;
      at = ESCAPE.lastIndex - 1;
    }
    return false;
  }

  #takeCharacter(wanted: number): boolean {
    this.#skipSpace();
    if (this.#text.charCodeAt(this.offset) !== wanted) return false;
    this.offset += 1;
    return true;
  }

  #skipSpace(): void {
    for (; ; this.offset++) {
      const code = this.#text.charCodeAt(this.offset);
      if (code !== SPACE && code !== LINE_FEED && code !== RETURN && code !== TAB) return;
    }
  }

  #takePattern(pattern: RegExp): boolean {
    pattern.lastIndex = this.offset;
    if (!pattern.test(this.#text)) return false;
    this.offset = pattern.lastIndex;
    return true;
  }
}

const NO_JSON = "this is not valid JSON";
const [TAB, LINE_FEED, RETURN, SPACE, QUOTE, COMMA, COLON, BACKSLASH] = [
  0x09, 0x0a, 0x0d, 0x20, 0x22, 0x2c, 0x3a, 0x5c,
];
const CLOSING_BRACE = 0x7d;
const CLOSING: Readonly<Record<string, number>> = { "{": CLOSING_BRACE, "[": 0x5d };
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
