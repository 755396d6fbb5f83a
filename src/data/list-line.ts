import { type DenseTensor, elementCount } from "../graph/tensor.ts";
import { BoltqError } from "../io/error.ts";
import { parseJson } from "../io/json.ts";
import type { Signature } from "../onnx/model.ts";
import { denseTensor } from "../runtime/dense-values.ts";

/** What a line of a list says of one input: a file's path, or the numbers themselves (float64). */
export type ListValue = string | DenseTensor;

/** Nested lists of numbers: what an array may have as dimensions. */
const MOST_DIMENSIONS = 64;

/**
 * Parses a line of a JSON-lines list: an object with a value for each input by name, or with "file" where the model has
 * one input. Other fields are left out of account. Throws `format` or `invalid-data`; `place` names list and line.
 */
export function parseListLine(line: string, inputs: readonly Signature[], place: string): Map<string, ListValue> {
  const fields = parseJson(line, place);
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
    throw new BoltqError("format", 'a line of a list is an object such as {"file": "image.jpg"}', { file: place });
  }
  return new Map(inputs.map(({ name }) => [name, readValue(fieldFor(fields, name, inputs, place), name, place)]));
}

function fieldFor(fields: object, name: string, inputs: readonly Signature[], place: string): unknown {
  if (Object.hasOwn(fields, name)) return (fields as Record<string, unknown>)[name];
  if (inputs.length === 1 && Object.hasOwn(fields, "file")) return (fields as Record<string, unknown>)["file"];
  throw new BoltqError("invalid-data", `there is no value for the input "${name}"`, {
    file: place,
    remedy: `Each line has the fields ${inputs.map((input) => JSON.stringify(input.name)).join(", ")}`,
  });
}

function readValue(value: unknown, name: string, place: string): ListValue {
  return typeof value === "string" ? value : nestedTensor(value, name, place);
}

function nestedTensor(value: unknown, name: string, place: string): DenseTensor {
  const shape: number[] = [];
  for (let inner = value; Array.isArray(inner); inner = inner[0]) shape.push(inner.length);
  if (shape.length > MOST_DIMENSIONS) throw uneven(name, place);
  const flat = flatten(value, shape, name, place);
  if (flat.length !== elementCount(shape)) throw uneven(name, place);
  return denseTensor("float64", shape, flat);
}

function flatten(value: unknown, shape: readonly number[], name: string, place: string): number[] {
  let values: unknown[] = [value];
  for (const size of shape) {
    if (!values.every((list) => Array.isArray(list) && list.length === size)) throw uneven(name, place);
    values = (values as unknown[][]).flat();
  }
  return values.map((number) => {
    if (typeof number === "number") return number;
    if (typeof number === "boolean") return Number(number);
    throw uneven(name, place);
  });
}

function uneven(name: string, place: string): BoltqError {
  return new BoltqError("invalid-data", `the value of "${name}" is neither a path nor evenly nested lists of numbers`, {
    file: place,
  });
}
