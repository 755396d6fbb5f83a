import * as v from "valibot";
import { BoltqError } from "./error.ts";
import { parseJson } from "./json.ts";

/** Where a JSON text comes from and what to do when it is wrong; for messages. */
export interface JsonOrigin {
  readonly file: string;
  /** What the whole is, with its article: "a recipe". */
  readonly what: string;
  readonly remedy: string;
  /** Let the last of several equal names in an object win. Default false: they are an error. */
  readonly duplicates?: boolean;
}

/** What a JSON value must be. The message of a schema says what it may be, to stand behind "must be". */
export type Schema<Value> = v.GenericSchema<unknown, Value>;

/** JSON of the given form. Throws BoltqError `format` that names the field, what it may be and the file. */
export function parseAs<Value>(schema: Schema<Value>, text: string, origin: JsonOrigin): Value {
  return checkAs(schema, parseJson(text, origin.file, origin), origin);
}

/** A value from JSON, if it has the given form. Throws as `parseAs` does. */
export function checkAs<Value>(schema: Schema<Value>, value: unknown, origin: JsonOrigin): Value {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const { file, remedy } = origin;
  throw new BoltqError("format", describe(result.issues[0], origin.what), { file, remedy });
}

function describe(issue: v.BaseIssue<unknown>, what: string): string {
  const place = pathText(issue.path ?? []);
  if (issue.expected === "never") return `there is no field "${place}"; ${issue.message}`;
  if (issue.path?.at(-1)?.origin === "key") return `the field "${place}" is missing`;
  const subject = place === "" ? what : `"${place}"`;
  return `${subject} must be ${issue.message}, not ${shown(issue.input)}`;
}

function pathText(path: readonly { readonly key?: unknown }[]): string {
  return path.reduce((text, { key }) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? `${key}` : `${text}.${key}`;
  }, "");
}

const MAX_SHOWN = 60;

function shown(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value) ?? "missing";
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);

/** An object with these fields and no others. */
export function fields<const Entries extends v.ObjectEntries>(
  entries: Entries,
): Schema<v.InferOutput<v.ObjectSchema<Entries, undefined>>> {
  const known = `known are ${Object.keys(entries).join(", ")}`;
  return v.pipe(v.custom<unknown>(isObject, "an object"), v.strictObject(entries, known));
}

/** An object with at least these fields; others are left out. */
export function fieldsAmongOthers<const Entries extends v.ObjectEntries>(
  entries: Entries,
): Schema<v.InferOutput<v.ObjectSchema<Entries, undefined>>> {
  return v.pipe(v.custom<unknown>(isObject, "an object"), v.object(entries));
}

/** An object that gives each of any names a value. */
export function namedValues<Value>(schema: Schema<Value>): Schema<Map<string, Value>> {
  return v.pipe(
    v.custom<Record<string, unknown>>(isObject, "an object"),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const values = new Map<string, Value>();
      for (const [key, value] of Object.entries(dataset.value)) {
        const { success, output, issues } = v.safeParse(schema, value, { abortEarly: true });
        if (success) values.set(key, output);
        else {
          const place = { type: "object", origin: "value", input: dataset.value, key, value } as const;
          const [{ input, expected, received, message, path = [] }] = issues;
          addIssue({ input, expected: expected ?? undefined, received, message, path: [place, ...path] });
          return NEVER;
        }
      }
      return values;
    }),
  );
}

/** One of these words or numbers. */
export function oneOf<const Option extends string | number>(...options: readonly Option[]): Schema<Option> {
  return v.picklist(options, `one of ${options.join(", ")}`);
}

export const text: Schema<string> = v.string("a text");

export const finiteNumber: Schema<number> = v.custom<number>(Number.isFinite, "a number");
