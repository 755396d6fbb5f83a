import { BoltqError } from "../io/error.ts";

/** Options by letter, or by the word of a `--long` one, which Bolt's tools lack; a later one overrides an earlier one. */
export interface ParsedOptions {
  readonly values: ReadonlyMap<string, string>;
  readonly flags: ReadonlySet<string>;
  readonly operands: readonly string[];
}

/**
 * Parses arguments as C's getopt does: `-i X`, `-iX`, `-Vp x`; operands anywhere; `--` ends the options. `shape` lists
 * the letters, a colon after those that take a value. Long options must be among `longNames` ("name" or "name=").
 * Throws BoltqError `usage`.
 */
export function parseGetopt(args: readonly string[], shape: string, longNames: readonly string[] = []): ParsedOptions {
  const values = new Map<string, string>();
  const flags = new Set<string>();
  const operands: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--") operands.push(...rest.splice(0));
    else if (arg.startsWith("--")) takeLong(arg.slice(2), rest, longNames, values, flags);
    else if (arg.startsWith("-") && arg.length > 1) takeShort(arg.slice(1), rest, shape, values, flags);
    else operands.push(arg);
  }
  return { values, flags, operands };
}

function takeShort(
  cluster: string,
  rest: string[],
  shape: string,
  values: Map<string, string>,
  flags: Set<string>,
): void {
  for (let index = 0; index < cluster.length; index++) {
    const letter = cluster.charAt(index);
    const place = letter === ":" ? -1 : shape.indexOf(letter);
    if (place < 0) throw new BoltqError("usage", `there is no option -${letter}`, { remedy: "See --help" });
    if (shape.charAt(place + 1) !== ":") {
      flags.add(letter);
      continue;
    }
    const value = cluster.slice(index + 1) || rest.shift();
    if (value === undefined) throw new BoltqError("usage", `option -${letter} needs a value`, { remedy: "See --help" });
    values.set(letter, value);
    return;
  }
}

function takeLong(
  text: string,
  rest: string[],
  longNames: readonly string[],
  values: Map<string, string>,
  flags: Set<string>,
): void {
  const [name = "", inline] = text.split(/=(.*)/s);
  if (longNames.includes(`${name}=`)) {
    const value = inline ?? rest.shift();
    if (value === undefined) throw new BoltqError("usage", `option --${name} needs a value`, { remedy: "See --help" });
    values.set(name, value);
  } else if (longNames.includes(name) && inline === undefined) {
    flags.add(name);
  } else {
    throw new BoltqError("usage", `there is no option --${text}`, { remedy: "See --help" });
  }
}

/** What `parse` makes of the value of an option; undefined where that was not given. */
export function parsed<Value>(text: string | undefined, parse: (text: string) => Value): Value | undefined {
  return text === undefined ? undefined : parse(text);
}
