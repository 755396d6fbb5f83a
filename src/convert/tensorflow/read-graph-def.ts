import { widenFromFloat16 } from "../../graph/float16.ts";
import type { ElementType, Tensor } from "../../graph/tensor.ts";
import { type Bytes, rangeOf, type Source } from "../../io/bytes.ts";
import { BoltqError, placed } from "../../io/error.ts";
import { safeInteger, signed, type WireField, WireMessage } from "../../io/protobuf.ts";
import {
  DATA_TYPES,
  type TensorflowAttribute,
  type TensorflowFunction,
  type TensorflowGraph,
  type TensorflowNode,
} from "./node.ts";
import { contentTensor, listedTensor } from "./tensor.ts";

/** Field numbers of TensorFlow's graph.proto, node_def.proto, attr_value.proto, tensor.proto and tensor_shape.proto. */
const GRAPH = { node: 1, library: 2 } as const;
const LIBRARY = { function: 1 } as const;
const FUNCTION = { signature: 1, node: 3, result: 4 } as const;
const SIGNATURE = { name: 1, input: 2, output: 3 } as const;
const NODE = { name: 1, type: 2, input: 3, attribute: 5 } as const;
const ENTRY = { key: 1, value: 2 } as const;
const ATTRIBUTE = {
  list: 1,
  text: 2,
  integer: 3,
  float: 4,
  flag: 5,
  type: 6,
  shape: 7,
  tensor: 8,
  function: 10,
} as const;
const LIST = { text: 2, integer: 3 } as const;
const SHAPE = { dimension: 2, unknownRank: 3 } as const;
const DIMENSION = { size: 1 } as const;
const TENSOR = { type: 1, shape: 2, content: 4 } as const;

/** Reads a frozen graph; constants stay in the file. Throws BoltqError `format`, `truncated` or `unsupported`. */
export async function readGraphDef(source: Source): Promise<TensorflowGraph> {
  const graph = await WireMessage.read(rangeOf(source, 0, source.length));
  const functions = new Map<string, TensorflowFunction>();
  for (const library of graph.all(GRAPH.library)) {
    for (const { data } of (await WireMessage.read(library.data)).all(LIBRARY.function)) {
      const [name, read] = await readFunction(await WireMessage.read(data));
      functions.set(name, read);
    }
  }
  return { nodes: await readNodes(graph.all(GRAPH.node)), functions };
}

async function readFunction(message: WireMessage): Promise<readonly [string, TensorflowFunction]> {
  const signature = await messageAt(message, FUNCTION.signature);
  const names = async (field: number) => {
    const list: string[] = [];
    for (const { data } of signature.all(field)) list.push(await (await WireMessage.read(data)).text(SIGNATURE.name));
    return list;
  };
  const results = new Map<string, string>();
  for (const { data } of message.all(FUNCTION.result)) {
    const entry = await WireMessage.read(data);
    results.set(await entry.text(ENTRY.key), await entry.text(ENTRY.value));
  }
  const nodes = await readNodes(message.all(FUNCTION.node));
  const [inputs, outputs] = [await names(SIGNATURE.input), await names(SIGNATURE.output)];
  return [await signature.text(SIGNATURE.name), { inputs, outputs, nodes, results }];
}

async function messageAt(message: WireMessage, field: number): Promise<WireMessage> {
  const data = message.last(field)?.data;
  return data === undefined ? new WireMessage([]) : WireMessage.read(data);
}

async function readNodes(fields: readonly WireField[]): Promise<readonly TensorflowNode[]> {
  const nodes: TensorflowNode[] = [];
  for (const { data } of fields) {
    nodes.push(await placed({ subject: `operator ${nodes.length}` }, () => readNode(data)));
  }
  return nodes;
}

async function readNode(data: Bytes): Promise<TensorflowNode> {
  const node = await WireMessage.read(data);
  const attributes = new Map<string, TensorflowAttribute>();
  for (const { data: entryData } of node.all(NODE.attribute)) {
    const entry = await WireMessage.read(entryData);
    const value = entry.last(ENTRY.value);
    if (value !== undefined) attributes.set(await entry.text(ENTRY.key), await readAttribute(value.data));
  }
  const inputs = (await node.texts(NODE.input)).filter((input) => !input.startsWith("^"));
  return { name: await node.text(NODE.name), type: await node.text(NODE.type), inputs, attributes };
}

async function readAttribute(data: Bytes): Promise<TensorflowAttribute> {
  const value = await WireMessage.read(data);
  const [shape, tensor, list] = [value.last(ATTRIBUTE.shape), value.last(ATTRIBUTE.tensor), value.last(ATTRIBUTE.list)];
  return {
    ...(value.has(ATTRIBUTE.text) ? { text: await value.text(ATTRIBUTE.text) } : {}),
    ...(value.has(ATTRIBUTE.integer) ? { integer: numberOf(value.last(ATTRIBUTE.integer)!) } : {}),
    ...(value.has(ATTRIBUTE.float) ? { float: value.float(ATTRIBUTE.float) } : {}),
    ...(value.has(ATTRIBUTE.flag) ? { flag: value.integer(ATTRIBUTE.flag) !== 0 } : {}),
    ...(value.has(ATTRIBUTE.type) ? { type: typeOf(value, ATTRIBUTE.type)?.type } : {}),
    ...(shape === undefined ? {} : { shape: await readShape(shape.data) }),
    ...(tensor === undefined ? {} : { tensor: () => readTensor(tensor.data) }),
    ...(value.has(ATTRIBUTE.function)
      ? { function: await (await messageAt(value, ATTRIBUTE.function)).text(SIGNATURE.name) }
      : {}),
    ...(list === undefined ? {} : await readList(list.data)),
  };
}

async function readList(data: Bytes): Promise<TensorflowAttribute> {
  const list = await WireMessage.read(data);
  return { integers: (await list.integers(LIST.integer)).map(Number), texts: await list.texts(LIST.text) };
}

/** Attributes that matter are small; others may be anything. */
function numberOf({ bits }: WireField): number {
  return Number(signed(bits));
}

function typeOf(message: WireMessage, field: number): (typeof DATA_TYPES)[number] | undefined {
  const number = Number(message.last(field)?.bits ?? 0n);
  return Object.hasOwn(DATA_TYPES, number) ? DATA_TYPES[number] : undefined;
}

async function readShape(data: Bytes): Promise<readonly number[] | undefined> {
  const shape = await WireMessage.read(data);
  if (shape.has(SHAPE.unknownRank) && shape.integer(SHAPE.unknownRank) !== 0) return undefined;
  const sizes: number[] = [];
  for (const dimension of shape.all(SHAPE.dimension))
    sizes.push((await WireMessage.read(dimension.data)).integer(DIMENSION.size));
  return sizes;
}

async function readTensor(data: Bytes): Promise<Tensor> {
  const tensor = await WireMessage.read(data);
  const type = typeOf(tensor, TENSOR.type)?.type;
  if (type === undefined || type === "string")
    throw new BoltqError("unsupported", "constants that are no numbers cannot be converted");
  const stated = tensor.last(TENSOR.shape);
  const shape = stated === undefined ? [] : await readShape(stated.data);
  if (shape === undefined) throw new BoltqError("format", "a constant has no shape");
  const content = tensor.last(TENSOR.content);
  if (content !== undefined && content.data.length > 0) return contentTensor(type, shape, content.data);
  const { field, read } = LISTS[type] ?? INT32;
  return listedTensor(type, shape, await read(tensor, field));
}

/** Where the values of a constant are that are stated one by one, and how they are read. */
interface ValueList {
  readonly field: number;
  readonly read: (tensor: WireMessage, field: number) => Promise<number[]>;
}

const integers = async (tensor: WireMessage, field: number) => (await tensor.integers(field)).map(safeInteger);

/** Small integers share a field. */
const INT32: ValueList = { field: 7, read: integers };

/** Float16 is stated as the bits of each number. */
async function halves(tensor: WireMessage, field: number): Promise<number[]> {
  const bits = Uint16Array.from((await tensor.integers(field)).map(Number));
  const wide = new Float32Array(bits.length);
  widenFromFloat16(bits, wide);
  return Array.from(wide);
}

async function bfloats(tensor: WireMessage, field: number): Promise<number[]> {
  const bits = Uint32Array.from((await tensor.integers(field)).map((value) => (Number(value) << 16) >>> 0));
  return Array.from(new Float32Array(bits.buffer));
}

async function floats(tensor: WireMessage, field: number): Promise<number[]> {
  const bytes = (await (await tensor.fixed32Bytes(field)).read()).slice();
  return Array.from(new Float32Array(bytes.buffer, 0, Math.floor(bytes.length / 4)));
}

async function doubles(tensor: WireMessage, field: number): Promise<number[]> {
  const bytes = (await (await tensor.fixed64Bytes(field)).read()).slice();
  return Array.from(new Float64Array(bytes.buffer, 0, Math.floor(bytes.length / 8)));
}

const LISTS: Partial<Record<ElementType, ValueList>> = {
  float32: { field: 5, read: floats },
  float64: { field: 6, read: doubles },
  float16: { field: 13, read: halves },
  bfloat16: { field: 13, read: bfloats },
  int64: { field: 10, read: integers },
  bool: { field: 11, read: integers },
  uint32: { field: 16, read: integers },
  uint64: { field: 17, read: integers },
};
