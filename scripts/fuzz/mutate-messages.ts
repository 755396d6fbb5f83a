import { memoryBytes } from "../../src/io/bytes.ts";
import { varintsOf, WIRE, WireMessage } from "../../src/io/protobuf.ts";
import { concatenate } from "../../src/io/target.ts";
import { ATTRIBUTE, GRAPH, MODEL, NODE, SHAPE, TENSOR, TENSOR_TYPE, TYPE, VALUE_INFO } from "../../src/onnx/schema.ts";
import { EXTREMES, mutateBytes } from "./mutate-bytes.ts";
import type { Random } from "./random.ts";

/** A field of a message: a number, bytes, or the fields of a message inside. */
interface Field {
  readonly number: number;
  readonly wireType: number;
  bits: bigint;
  bytes: Uint8Array;
  readonly inner: Field[] | undefined;
  /** What kind of bytes they are. */
  readonly kind: Kind;
}

type Kind = "text" | "integers" | "data";

/** Messages inside a message, and which of its byte fields are text or packed integers. */
interface Schema {
  readonly messages?: Readonly<Record<number, () => Schema>>;
  readonly texts?: readonly number[];
  readonly integers?: readonly number[];
}

const TENSOR_SCHEMA: Schema = {
  texts: [TENSOR.name],
  integers: [TENSOR.dimensions, TENSOR.int32Data, TENSOR.int64Data],
};
const DIMENSION_SCHEMA: Schema = { texts: [2] };
const SHAPE_SCHEMA: Schema = { messages: { [SHAPE.dimension]: () => DIMENSION_SCHEMA } };
const TENSOR_TYPE_SCHEMA: Schema = { messages: { [TENSOR_TYPE.shape]: () => SHAPE_SCHEMA } };
const TYPE_SCHEMA: Schema = { messages: { [TYPE.tensor]: () => TENSOR_TYPE_SCHEMA } };
const VALUE_INFO_SCHEMA: Schema = { messages: { [VALUE_INFO.type]: () => TYPE_SCHEMA }, texts: [VALUE_INFO.name] };
const ATTRIBUTE_SCHEMA: Schema = {
  messages: {
    [ATTRIBUTE.tensor]: () => TENSOR_SCHEMA,
    [ATTRIBUTE.tensors]: () => TENSOR_SCHEMA,
    [ATTRIBUTE.graph]: () => GRAPH_SCHEMA,
    [ATTRIBUTE.graphs]: () => GRAPH_SCHEMA,
  },
  texts: [ATTRIBUTE.name, ATTRIBUTE.string],
  integers: [ATTRIBUTE.ints],
};
const NODE_SCHEMA: Schema = {
  messages: { [NODE.attribute]: () => ATTRIBUTE_SCHEMA },
  texts: [NODE.input, NODE.output, NODE.name, NODE.type, NODE.domain],
};
const GRAPH_SCHEMA: Schema = {
  messages: {
    [GRAPH.node]: () => NODE_SCHEMA,
    [GRAPH.initializer]: () => TENSOR_SCHEMA,
    [GRAPH.input]: () => VALUE_INFO_SCHEMA,
    [GRAPH.output]: () => VALUE_INFO_SCHEMA,
    [GRAPH.valueInfo]: () => VALUE_INFO_SCHEMA,
  },
  texts: [GRAPH.name],
};
const MODEL_SCHEMA: Schema = {
  messages: { [MODEL.graph]: () => GRAPH_SCHEMA, [MODEL.opsetImport]: () => ({ texts: [1] }) },
};

/** Of TensorFlow's GraphDef; see `src/convert/tensorflow/read-graph-def.ts`. */
const TF_SHAPE_SCHEMA: Schema = { messages: { 2: () => ({}) } };
const TF_TENSOR_SCHEMA: Schema = { messages: { 2: () => TF_SHAPE_SCHEMA }, integers: [7, 10] };
const TF_ATTRIBUTE_SCHEMA: Schema = {
  messages: { 1: () => ({ integers: [3] }), 7: () => TF_SHAPE_SCHEMA, 8: () => TF_TENSOR_SCHEMA },
  texts: [2],
};
const TF_NODE_SCHEMA: Schema = {
  messages: { 5: () => ({ messages: { 2: () => TF_ATTRIBUTE_SCHEMA }, texts: [1] }) },
  texts: [1, 2, 3],
};
const GRAPH_DEF_SCHEMA: Schema = { messages: { 1: () => TF_NODE_SCHEMA } };

/** A copy of an ONNX file with a few fields changed, dropped, doubled or exchanged; `bytes` is a valid file. */
export function mutateOnnx(bytes: Uint8Array, random: Random): Promise<Uint8Array> {
  return mutateMessages(bytes, random, MODEL_SCHEMA);
}

/** As `mutateOnnx`, a frozen graph of TensorFlow. */
export function mutateGraphDef(bytes: Uint8Array, random: Random): Promise<Uint8Array> {
  return mutateMessages(bytes, random, GRAPH_DEF_SCHEMA);
}

async function mutateMessages(bytes: Uint8Array, random: Random, schema: Schema): Promise<Uint8Array> {
  const root = await decode(bytes, schema);
  const count = 1 + random.below(3);
  for (let index = 0; index < count; index++) {
    const places = placesOf(root);
    const { siblings, at } = random.pick(places);
    const all = places.map((place) => place.siblings[place.at]!);
    random.pick(CHANGES)(siblings, at, all, random);
  }
  return encode(root);
}

async function decode(bytes: Uint8Array, schema: Schema): Promise<Field[]> {
  const { fields } = await WireMessage.read(memoryBytes(bytes));
  return Promise.all(
    fields.map(async ({ number, wireType, bits, data }): Promise<Field> => {
      const content = await data.read();
      const within = wireType === WIRE.bytes ? schema.messages?.[number]?.() : undefined;
      const kind = schema.texts?.includes(number) ? "text" : schema.integers?.includes(number) ? "integers" : "data";
      const inner = within && (await decode(content, within));
      return { number, wireType, bits, bytes: content, inner, kind };
    }),
  );
}

interface Place {
  readonly siblings: Field[];
  readonly at: number;
}

function placesOf(fields: Field[]): Place[] {
  return fields.flatMap((field, at) => [{ siblings: fields, at }, ...placesOf(field.inner ?? [])]);
}

type Change = (siblings: Field[], at: number, all: readonly Field[], random: Random) => void;

const changeValue: Change = (siblings, at, all, random) => {
  const field = siblings[at]!;
  if (field.inner !== undefined) return;
  if (field.wireType !== WIRE.bytes) field.bits = BigInt.asUintN(64, extreme(random));
  else if (field.kind === "text") field.bytes = random.pick(all.filter(({ kind }) => kind === "text")).bytes;
  else if (field.kind === "integers" && random.chance(0.8)) field.bytes = changedIntegers(field.bytes, random);
  else field.bytes = mutateBytes(field.bytes, random);
};

const drop: Change = (siblings, at) => {
  siblings.splice(at, 1);
};

const double: Change = (siblings, at, _, random) => {
  siblings.splice(random.below(siblings.length + 1), 0, copyOf(siblings[at]!));
};

const exchange: Change = (siblings, at, _, random) => {
  const other = random.below(siblings.length);
  [siblings[at], siblings[other]] = [siblings[other]!, siblings[at]!];
};

const takeAnother: Change = (siblings, at, all, random) => {
  const { number, wireType } = siblings[at]!;
  siblings[at] = copyOf(random.pick(all.filter((field) => field.number === number && field.wireType === wireType)));
};

const CHANGES: readonly Change[] = [
  changeValue,
  changeValue,
  changeValue,
  changeValue,
  drop,
  double,
  exchange,
  takeAnother,
];

function copyOf(field: Field): Field {
  return { ...field, inner: field.inner?.map(copyOf) };
}

function extreme(random: Random): bigint {
  return random.chance(0.1) ? random.pick([2n ** 63n - 1n, -(2n ** 63n), 2n ** 40n]) : BigInt(random.pick(EXTREMES));
}

function changedIntegers(bytes: Uint8Array, random: Random): Uint8Array {
  const values = varintsOf(bytes);
  if (values.length === 0 || random.chance(0.2)) values.push(BigInt.asUintN(64, extreme(random)));
  else values[random.below(values.length)] = BigInt.asUintN(64, extreme(random));
  return concatenate(values.map(varint));
}

function encode(fields: readonly Field[]): Uint8Array {
  return concatenate(
    fields.flatMap((field) => [varint(BigInt(8 * field.number + field.wireType)), ...contentOf(field)]),
  );
}

function contentOf(field: Field): Uint8Array[] {
  if (field.wireType === WIRE.varint) return [varint(field.bits)];
  if (field.wireType !== WIRE.bytes) return [fixed(field.bits).subarray(0, field.wireType === WIRE.fixed32 ? 4 : 8)];
  const content = field.inner === undefined ? field.bytes : encode(field.inner);
  return [varint(BigInt(content.length)), content];
}

function fixed(bits: bigint): Uint8Array {
  return new Uint8Array(BigUint64Array.of(bits).buffer);
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Uint8Array.of(...bytes, Number(rest));
}
