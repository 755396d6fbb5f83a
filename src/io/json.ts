import { BoltqError } from "./error.ts";

/** Parses JSON. Throws BoltqError `format` that says in which line and column of `file` it stops being JSON. */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const before = text.slice(0, new JsonScanner(text).errorOffset()).split("\n");
    const place = `line ${before.length}, column ${before.at(-1)!.length + 1}`;
    throw new BoltqError("format", `this is not valid JSON at ${place}`, { file, cause, remedy: "Correct the file" });
  }
}

/** Engines word their messages differently, and not all give a position: this finds it. */
class JsonScanner {
  readonly #text: string;
  #offset = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Where the text stops being JSON; its length when something is missing at the end. */
  errorOffset(): number {
    const open: string[] = [];
    do {
      if (!this.#element(open)) return this.#offset;
      while (open.length > 0 && this.#take(open.at(-1) === "{" ? /\}/y : /\]/y)) open.pop();
      if (open.length > 0 && !this.#take(/,/y)) return this.#offset;
    } while (open.length > 0);
    this.#take(/$/y);
    return this.#offset;
  }

  /** A value or the beginning of one, with the key before it inside an object. */
  #element(open: string[]): boolean {
    for (;;) {
      if (open.at(-1) === "{" && !(this.#take(STRING) && this.#take(/:/y))) return false;
      if (this.#take(SCALAR)) return true;
      const opening = this.#take(/[{[]/y);
      if (opening === undefined) return false;
      if (this.#take(opening === "{" ? /\}/y : /\]/y)) return true;
      open.push(opening);
    }
  }

  /** What `pattern` matches here, behind white space; undefined: nothing. */
  #take(pattern: RegExp): string | undefined {
    SPACE.lastIndex = this.#offset;
    this.#offset += SPACE.exec(this.#text)?.[0].length ?? 0;
    pattern.lastIndex = this.#offset;
    const found = pattern.exec(this.#text)?.[0];
    this.#offset += found?.length ?? 0;
    return found;
  }
}

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[ !#-[\]-\uffff]+|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = new RegExp(`${STRING.source}|-?(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][+-]?\\d+)?|true|false|null`, "y");
