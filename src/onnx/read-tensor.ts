import { byteLength, ELEMENT_BITS, type ElementType, elementCount } from "../graph/tensor.ts";
import { type Bytes, memoryBytes, rangeOf } from "../io/bytes.ts";
import { BoltqError } from "../io/error.ts";
import { safeInteger, WireMessage } from "../io/protobuf.ts";
import type { ExternalData } from "./external-data.ts";
import type { OnnxTensor } from "./model.ts";
import { ELEMENT_TYPES, ENTRY, TENSOR } from "./schema.ts";

/** What reading tensors needs beside the message. */
export interface TensorContext {
  readonly externalData: ExternalData | undefined;
}

const TENSOR_FIELDS = new Set<number>(Object.values(TENSOR));

/** DataLocation EXTERNAL. */
const EXTERNAL = 1;

/** Reads a TensorProto: its type, shape and, lazily, its data. Throws `format` when size and shape do not agree. */
export async function readTensor(message: WireMessage, context: TensorContext): Promise<OnnxTensor> {
  const name = await message.text(TENSOR.name);
  try {
    return await readNamed(message, name, context);
  } catch (error) {
    throw error instanceof BoltqError ? error.within({ subject: `tensor "${name}"` }) : error;
  }
}

async function readNamed(message: WireMessage, name: string, context: TensorContext): Promise<OnnxTensor> {
  const number = message.integer(TENSOR.dataType);
  const type = ELEMENT_TYPES[number];
  if (type === undefined) throw new BoltqError("unsupported", `${number} is no known element type`);
  const shape = (await message.integers(TENSOR.dimensions)).map(safeInteger);
  const count = elementCount(shape);
  if (shape.some((size) => size < 0) || !Number.isSafeInteger(count)) {
    throw new BoltqError("format", `[${shape.join(", ")}] is no valid shape`);
  }
  const extra = await message.without(TENSOR_FIELDS);
  const common = { type, shape, name, ...(extra.byteLength > 0 ? { extra } : {}) };
  if (type === "string")
    return { ...common, data: memoryBytes(new Uint8Array(0)), strings: await readStrings(message, count) };
  const data = await readData(message, type, context);
  if (data.length !== byteLength(type, count)) {
    throw new BoltqError(
      "format",
      `${data.length} bytes of data do not fit ${type}[${shape.join(", ")}], which has ${byteLength(type, count)}`,
      {
        remedy: "The file is damaged or was written wrongly",
      },
    );
  }
  return { ...common, data };
}

async function readStrings(message: WireMessage, count: number): Promise<Uint8Array[]> {
  const strings = await message.byteStrings(TENSOR.stringData);
  if (strings.length !== count)
    throw new BoltqError("format", `${strings.length} strings do not fit a shape of ${count}`);
  return strings;
}

async function readData(message: WireMessage, type: ElementType, context: TensorContext): Promise<Bytes> {
  if (message.integer(TENSOR.dataLocation) === EXTERNAL) return readExternal(message, context);
  const raw = message.last(TENSOR.rawData);
  if (raw !== undefined) return raw.data;
  if (type === "float32" || type === "complex64") return message.fixed32Bytes(TENSOR.floatData);
  if (type === "float64" || type === "complex128") return message.fixed64Bytes(TENSOR.doubleData);
  if (type === "int64") return fromIntegers(await message.integers(TENSOR.int64Data), 64);
  if (type === "uint32" || type === "uint64")
    return fromIntegers(await message.integers(TENSOR.uint64Data), ELEMENT_BITS[type]);
  // Elements below a byte come packed, a byte to an entry.
  return fromIntegers(await message.integers(TENSOR.int32Data), Math.max(8, ELEMENT_BITS[type]));
}

/** The low `bits` of each number, little-endian. */
function fromIntegers(values: readonly bigint[], bits: number): Bytes {
  const size = bits / 8;
  const bytes = new Uint8Array(values.length * size);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    if (size === 8) view.setBigInt64(index * 8, value, true);
    else if (size === 4) view.setUint32(index * 4, Number(BigInt.asUintN(32, value)), true);
    else if (size === 2) view.setUint16(index * 2, Number(BigInt.asUintN(16, value)), true);
    else view.setUint8(index, Number(BigInt.asUintN(8, value)));
  });
  return memoryBytes(bytes);
}

async function readExternal(message: WireMessage, { externalData }: TensorContext): Promise<Bytes> {
  const entries = new Map<string, string>();
  for (const { data } of message.all(TENSOR.externalData)) {
    const entry = await WireMessage.read(data);
    entries.set(await entry.text(ENTRY.key), await entry.text(ENTRY.value));
  }
  const location = entries.get("location") ?? "";
  if (externalData === undefined) {
    throw new BoltqError("unsupported", `its data is in another file, "${location}"`, {
      remedy: "Give the folder of the model too",
    });
  }
  const source = await externalData(location);
  const offset = wholeNumber(entries.get("offset") ?? "0", "offset");
  const length = entries.has("length") ? wholeNumber(entries.get("length")!, "length") : source.length - offset;
  return rangeOf(source, offset, length);
}

function wholeNumber(text: string, what: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(number)) return number;
  throw new BoltqError("format", `"${text}" is no valid ${what} of external data`);
}
