import * as v from "valibot";
import { denseTensor } from "../graph/dense-values.ts";
import { type DenseTensor, elementCount } from "../graph/tensor.ts";
import { BoltqError } from "../io/error.ts";
import { checkAs, namedValues, parseAs } from "../io/schema.ts";
import type { Signature } from "../onnx/model.ts";
import { followsFromTokens, TOKEN_IDS } from "./tokens/token-inputs.ts";

/** What a line of a list says of one input: a file's path, or the numbers themselves (float64). */
export type ListValue = string | DenseTensor;

const LINE = namedValues(v.unknown());

const VALUES = namedValues(
  v.pipe(
    v.unknown(),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const value: ListValue | undefined =
        typeof dataset.value === "string" ? dataset.value : nestedTensor(dataset.value);
      if (value !== undefined) return value;
      addIssue({ message: "a path or evenly nested lists of numbers" });
      return NEVER;
    }),
  ),
);

const originOf = (place: string) => ({
  file: place,
  what: "a line of a list",
  remedy: 'Write one such as {"file": "image.jpg"}',
});

/** The fields of a line of a JSON-lines list. Throws `format`; `place` names list and line. */
export function parseFields(line: string, place: string): Map<string, unknown> {
  return parseAs(LINE, line, originOf(place));
}

/**
 * What the fields of a line say of each input by name, or "file" where the model has one input; inputs that follow from the
 * ids of tokens may be missing. Other fields are left out of account. Throws `format` or `invalid-data`.
 */
export function valuesOfFields(
  fields: ReadonlyMap<string, unknown>,
  inputs: readonly Signature[],
  place: string,
): Map<string, ListValue> {
  const given = inputs
    .filter((input) => fields.has(input.name) || !(fields.has(TOKEN_IDS) && followsFromTokens(input)))
    .map(({ name }) => [name, fields.get(fieldFor(fields, name, inputs, place))]);
  return checkAs(VALUES, Object.fromEntries(given), originOf(place));
}

function fieldFor(
  fields: ReadonlyMap<string, unknown>,
  name: string,
  inputs: readonly Signature[],
  place: string,
): string {
  if (fields.has(name)) return name;
  if (inputs.length === 1 && fields.has("file")) return "file";
  throw new BoltqError("invalid-data", `there is no value for the input "${name}"`, {
    file: place,
    remedy: `Each line has the fields ${inputs.map((input) => JSON.stringify(input.name)).join(", ")}`,
  });
}

/** Evenly nested lists of numbers as a tensor; undefined for anything else. */
function nestedTensor(value: unknown): DenseTensor | undefined {
  const shape: number[] = [];
  for (let inner = value; Array.isArray(inner); inner = inner[0]) shape.push(inner.length);
  let values: unknown[] = [value];
  for (const size of shape) {
    if (!values.every((list) => Array.isArray(list) && list.length === size)) return undefined;
    values = (values as unknown[][]).flat();
  }
  const numbers = values.map((item) => (typeof item === "boolean" ? Number(item) : item));
  if (!numbers.every((item) => typeof item === "number") || numbers.length !== elementCount(shape)) return undefined;
  return denseTensor("float64", shape, numbers);
}
