import type { Tensor } from "../../graph/tensor.ts";
import { memoryBytes, type Source } from "../../io/bytes.ts";
import { BoltqError, placed } from "../../io/error.ts";
import { parseJson } from "../../io/json.ts";
import {
  DATA_TYPES,
  type TensorflowAttribute,
  type TensorflowFunction,
  type TensorflowGraph,
  type TensorflowNode,
} from "./node.ts";
import { contentTensor, listedTensor } from "./tensor.ts";

/** The longest text that engines can hold is little more than this. */
const MOST_BYTES = 2 ** 29 - 2 ** 20;

/**
 * Reads a graph as JSON: protobuf's own form of a GraphDef, or what Bolt's `tf2json.py` makes of one, in which constants
 * are lists of numbers and the whole may be JSON in a JSON string. Throws BoltqError `format`, `limit` or `unsupported`.
 */
export async function readJsonGraph(source: Source): Promise<TensorflowGraph> {
  if (source.length > MOST_BYTES)
    throw new BoltqError("limit", `${source.length} bytes of JSON are too many`, {
      remedy: "Give the frozen graph itself (.pb), which the JSON was made of",
    });
  const text = new TextDecoder().decode(await source.read());
  const outer = parseJson(text, source.name);
  const graph = typeof outer === "string" ? parseJson(outer, source.name) : outer;
  const { node, library } = recordOf(graph, "the graph");
  const functions = listOf(recordOf(library ?? {}, "library").function ?? [], "function");
  const read: (readonly [string, TensorflowFunction])[] = [];
  for (const called of functions) read.push(await functionOf(recordOf(called, "a function")));
  return { nodes: await nodesOf(node), functions: new Map(read) };
}

async function functionOf({ signature, nodeDef, ret }: Json): Promise<readonly [string, TensorflowFunction]> {
  const { name, inputArg, outputArg } = recordOf(signature, "a signature");
  const names = (list: unknown, what: string) =>
    listOf(list ?? [], what).map((argument) => textOf(recordOf(argument, "an argument").name));
  const results = Object.entries(recordOf(ret ?? {}, "ret")).map(([output, value]) => [output, textOf(value)] as const);
  const [inputs, outputs] = [names(inputArg, "inputArg"), names(outputArg, "outputArg")];
  return [textOf(name), { inputs, outputs, nodes: await nodesOf(nodeDef), results: new Map(results) }];
}

async function nodesOf(list: unknown): Promise<readonly TensorflowNode[]> {
  const nodes: TensorflowNode[] = [];
  for (const node of listOf(list ?? [], "node")) {
    nodes.push(await placed({ subject: `operator ${nodes.length}` }, () => nodeOf(node)));
  }
  return nodes;
}

const VALUE_LISTS = ["floatVal", "doubleVal", "intVal", "int64Val", "boolVal", "uint32Val", "uint64Val"] as const;

/** The fields that are read of any object. */
type Field =
  | ("node" | "name" | "op" | "input" | "attr")
  | ("library" | "function" | "signature" | "inputArg" | "outputArg" | "nodeDef" | "ret" | "func")
  | ("s" | "i" | "f" | "b" | "type" | "shape" | "tensor" | "list")
  | ("dtype" | "tensorShape" | "tensorContent" | "dim" | "size" | "unknownRank")
  | (typeof VALUE_LISTS)[number];

type Json = Readonly<Partial<Record<Field, unknown>>>;

function nodeOf(value: unknown): TensorflowNode {
  const node = recordOf(value, "an operator");
  const attributes = Object.entries(recordOf(node.attr ?? {}, "attr"));
  return {
    name: textOf(node.name ?? ""),
    type: textOf(node.op ?? ""),
    inputs: listOf(node.input ?? [], "input")
      .map(textOf)
      .filter((input) => !input.startsWith("^")),
    attributes: new Map(attributes.map(([name, attribute]) => [name, attributeOf(attribute)])),
  };
}

/** What each kind of attribute is in JSON. Bytes are base64 there, 64-bit integers text. */
function attributeOf(value: unknown): TensorflowAttribute {
  const { s, i, f, b, type, shape, tensor, list, func } = recordOf(value, "an attribute");
  return {
    text: given(s, bytesText),
    integer: given(i, numberOf),
    float: given(f, numberOf),
    flag: given(b, (flag) => flag === true),
    type: given(type, (number) => typeOf(number)?.type),
    shape: given(shape, shapeOf),
    tensor: given(tensor, (constant) => async () => tensorOf(recordOf(constant, "a constant"))),
    function: given(func, (named) => textOf(recordOf(named, "func").name)),
    ...(list === undefined ? {} : attributeList(recordOf(list, "a list"))),
  };
}

function given<Result>(value: unknown, read: (value: unknown) => Result): Result | undefined {
  return value === undefined ? undefined : read(value);
}

function attributeList({ i, s }: Json): TensorflowAttribute {
  return { integers: listOf(i ?? [], "i").map(numberOf), texts: listOf(s ?? [], "s").map(bytesText) };
}

function tensorOf(tensor: Json): Tensor {
  const type = typeOf(tensor.dtype)?.type;
  if (type === undefined || type === "string")
    throw new BoltqError("unsupported", "constants that are no numbers cannot be converted");
  const shape = shapeOf(tensor.tensorShape ?? {});
  if (shape === undefined) throw new BoltqError("format", "a constant has no shape");
  const { tensorContent } = tensor;
  if (typeof tensorContent === "string" && tensorContent !== "")
    return contentTensor(type, shape, memoryBytes(bytesOf(tensorContent)));
  const listed = Array.isArray(tensorContent)
    ? tensorContent
    : VALUE_LISTS.map((name) => tensor[name]).find(Array.isArray);
  return listedTensor(type, shape, (listed ?? []).map(elementOf));
}

function shapeOf(value: unknown): readonly number[] | undefined {
  const { dim, unknownRank } = recordOf(value, "a shape");
  if (unknownRank === true) return undefined;
  return listOf(dim ?? [], "dim").map((dimension) => numberOf(recordOf(dimension, "a dimension").size ?? 0));
}

function typeOf(name: unknown): (typeof DATA_TYPES)[number] | undefined {
  return Object.values(DATA_TYPES).find((type) => type.name === name);
}

function recordOf(value: unknown, what: string): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw new BoltqError("format", `${what} is no JSON object`);
}

function listOf(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new BoltqError("format", `"${what}" is no list`);
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  throw new BoltqError("format", `${JSON.stringify(value)?.slice(0, 40)} is no text`);
}

function numberOf(value: unknown): number {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number === "number" && (Number.isFinite(number) || /^-?(Infinity|NaN)$/.test(`${value}`))) return number;
  throw new BoltqError("format", `${JSON.stringify(value)?.slice(0, 40)} is no number`);
}

function elementOf(value: unknown): number {
  return typeof value === "boolean" ? Number(value) : numberOf(value);
}

function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    throw new BoltqError("format", "a text is no base64");
  }
}

function bytesText(value: unknown): string {
  return new TextDecoder().decode(bytesOf(textOf(value)));
}
