import { ByteWriter } from "./byte-writer.ts";
import { type Bytes, memoryBytes, rangeOf } from "./bytes.ts";
import { BoltqError } from "./error.ts";

/** Messages up to this size are read whole; of larger ones only the structure is, and what is asked for. */
const WHOLE_BYTES = 1 << 20;

/** How much is fetched to find a field of a large message behind one that was passed over, and at most where all are small. */
const LEAST_WINDOW_BYTES = 32;
const MOST_WINDOW_BYTES = 1 << 16;

/** The most fields that one message may have: far above any real model, far below what would exhaust memory. */
const MOST_FIELDS = 20_000_000;

export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** One field of a message: a number (as its 64 bits), or a run of bytes. */
export interface WireField {
  readonly number: number;
  readonly wireType: number;
  /** The bits of a varint or a fixed number. */
  readonly bits: bigint;
  /** What a length-delimited field holds. */
  readonly data: Bytes;
  /** The field with its tag, as it stands in the message. */
  readonly whole: Bytes;
  /** What it holds, where that is in memory. */
  readonly memory?: Uint8Array;
}

const NO_DATA = new Uint8Array(0);
const EMPTY = memoryBytes(NO_DATA);

/** A protobuf message taken apart into fields, without a schema. Large fields stay in the file until they are read. */
export class WireMessage {
  readonly fields: readonly WireField[];
  readonly #byNumber = new Map<number, WireField[]>();

  constructor(fields: readonly WireField[]) {
    this.fields = fields;
    for (const field of fields) {
      const known = this.#byNumber.get(field.number);
      if (known === undefined) this.#byNumber.set(field.number, [field]);
      else known.push(field);
    }
  }

  /** Takes `bytes` apart. Throws BoltqError `format` with the offset inside `bytes` when it is no message. */
  static async read(bytes: Bytes): Promise<WireMessage> {
    return new WireMessage(bytes.length <= WHOLE_BYTES ? scan(await bytes.read()) : await scanLarge(bytes));
  }

  all(number: number): readonly WireField[] {
    return this.#byNumber.get(number) ?? [];
  }

  has(number: number): boolean {
    return this.#byNumber.has(number);
  }

  /** The last field of that number, as protobuf has it; undefined if absent. */
  last(number: number): WireField | undefined {
    return this.#byNumber.get(number)?.at(-1);
  }

  /** A signed integer field; `absent` (0) if it is not there. Throws `unsupported` beyond 2^53. */
  integer(number: number, absent = 0): number {
    const field = this.last(number);
    return field === undefined ? absent : safeInteger(signed(field.bits));
  }

  /** A float32 field; 0 if absent. */
  float(number: number): number {
    const field = this.last(number);
    return field === undefined ? 0 : float32OfBits(field.bits);
  }

  /** A byte-string field; empty if absent. */
  async bytes(number: number): Promise<Uint8Array> {
    const field = this.last(number);
    return field === undefined ? NO_DATA : contentOf(field);
  }

  /** A text field; "" if absent. Bytes that are not UTF-8 are replaced. */
  async text(number: number): Promise<string> {
    return decoder.decode(await this.bytes(number));
  }

  async texts(number: number): Promise<string[]> {
    return Promise.all(this.all(number).map(async (field) => decoder.decode(await contentOf(field))));
  }

  async byteStrings(number: number): Promise<Uint8Array[]> {
    return Promise.all(this.all(number).map(contentOf));
  }

  /** Elements of a repeated integer, packed or not, as 64-bit numbers. */
  async integers(number: number): Promise<bigint[]> {
    const values: bigint[] = [];
    for (const field of this.all(number)) {
      if (field.wireType === WIRE.bytes)
        for (const bits of varintsOf(await field.data.read())) values.push(signed(bits));
      else values.push(signed(field.bits));
    }
    return values;
  }

  /** A repeated float32, packed or not, as little-endian bytes: a range of the file when there is one packed run. */
  async fixed32Bytes(number: number): Promise<Bytes> {
    return this.#fixedBytes(number, 4);
  }

  /** A repeated 64-bit number, packed or not, as little-endian bytes. */
  async fixed64Bytes(number: number): Promise<Bytes> {
    return this.#fixedBytes(number, 8);
  }

  /** The fields whose numbers are not in `known`, with their tags, one after the other. */
  async without(known: ReadonlySet<number>): Promise<Uint8Array> {
    const writer = new ByteWriter();
    for (const field of this.fields) if (!known.has(field.number)) writer.bytes(await field.whole.read());
    return writer.take();
  }

  async #fixedBytes(number: number, size: 4 | 8): Promise<Bytes> {
    const fields = this.all(number);
    if (fields.length === 1 && fields[0]!.wireType === WIRE.bytes) return fields[0]!.data;
    const writer = new ByteWriter();
    for (const { wireType, bits, data } of fields) {
      if (wireType === WIRE.bytes) writer.bytes(await data.read());
      else {
        writer.uint32(Number(bits & 0xffffffffn));
        if (size === 8) writer.uint32(Number(bits >> 32n));
      }
    }
    return memoryBytes(writer.take());
  }
}

async function contentOf(field: WireField): Promise<Uint8Array> {
  return field.memory ?? field.data.read();
}

const decoder = new TextDecoder();

/** A varint's or fixed number's bits as a signed 64-bit integer. */
export function signed(bits: bigint): bigint {
  return BigInt.asIntN(64, bits);
}

/** The number itself where it is exact. Throws `unsupported` beyond 2^53. */
export function safeInteger(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new BoltqError("unsupported", `the integer ${value} is too large to be handled exactly`);
}

function float32OfBits(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, Number(bits & 0xffffffffn));
  return view.getFloat32(0);
}

/** All varints of a packed run. Throws `format` when the last one is cut short. */
export function varintsOf(bytes: Uint8Array): bigint[] {
  const reader = new Scanner(bytes);
  const values: bigint[] = [];
  while (reader.at < bytes.length) values.push(reader.varint());
  return values;
}

/** A field that is in memory. */
class MemoryField implements WireField {
  readonly number: number;
  readonly wireType: number;
  readonly bits: bigint;
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #content: number;
  readonly #end: number;

  /** `bytes` hold it from `start`, its content from `content`, to before `end`. */
  constructor({ number, wireType, bits }: Head, bytes: Uint8Array, start: number, content: number, end: number) {
    this.number = number;
    this.wireType = wireType;
    this.bits = bits;
    this.#bytes = bytes;
    this.#start = start;
    this.#content = content;
    this.#end = end;
  }

  get memory(): Uint8Array {
    return this.#bytes.subarray(this.#content, this.#end);
  }

  get data(): Bytes {
    return this.wireType === WIRE.bytes ? memoryBytes(this.memory) : EMPTY;
  }

  get whole(): Bytes {
    return memoryBytes(this.#bytes.subarray(this.#start, this.#end));
  }
}

/** What stands before the content of a field. */
interface Head {
  readonly number: number;
  readonly wireType: number;
  readonly bits: bigint;
}

function scan(bytes: Uint8Array): WireField[] {
  const reader = new Scanner(bytes);
  const fields: WireField[] = [];
  while (reader.at < bytes.length) {
    const start = reader.at;
    const { number, wireType } = reader.tag();
    const { bits, length } = reader.content(wireType, bytes.length);
    const content = reader.at;
    reader.at += length;
    fields.push(new MemoryField({ number, wireType, bits }, bytes, start, content, reader.at));
  }
  return fields;
}

/** As `scan`, but what large fields hold stays where it is. */
async function scanLarge(bytes: Bytes): Promise<WireField[]> {
  const fields: WireField[] = [];
  let window: Uint8Array = NO_DATA;
  let [first, size] = [0, LEAST_WINDOW_BYTES];
  for (let start = 0; start < bytes.length; ) {
    if (fields.length >= MOST_FIELDS)
      throw new BoltqError("limit", `a message has more than ${MOST_FIELDS} fields`, { offset: start });
    const ahead = Math.min(LEAST_WINDOW_BYTES, bytes.length - start);
    if (start + ahead > first + window.length) {
      // Where fields follow each other closely more is fetched at a time; behind a large one as little as can be.
      size = start <= first + window.length ? Math.min(2 * size, MOST_WINDOW_BYTES) : LEAST_WINDOW_BYTES;
      window = await bytes.read(start, Math.min(Math.max(size, ahead), bytes.length - start));
      first = start;
    }
    const reader = new Scanner(window, first);
    reader.at = start - first;
    const { number, wireType } = reader.tag();
    const { bits, length } = reader.content(wireType, bytes.length - first);
    const [content, end] = [first + reader.at, first + reader.at + length];
    const head = { number, wireType, bits };
    if (end <= first + window.length)
      fields.push(new MemoryField(head, window, start - first, content - first, end - first));
    else fields.push({ ...head, data: rangeOf(bytes, content, length), whole: rangeOf(bytes, start, end - start) });
    start = end;
  }
  return fields;
}

/** Reads tags and numbers from a buffer. */
class Scanner {
  at = 0;
  #rest = 0;
  readonly #bytes: Uint8Array;
  readonly #base: number;

  constructor(bytes: Uint8Array, base = 0) {
    this.#bytes = bytes;
    this.#base = base;
  }

  tag(): { number: number; wireType: number } {
    const tag = this.#number();
    const number = Math.floor(tag / 8);
    if (number < 1 || number > 0x1fffffff) this.#fail(`${number} is no field number`);
    return { number, wireType: tag % 8 };
  }

  /** The number of a field, or the length of its bytes; `end` is where the message ends, counted as `at` is. */
  content(wireType: number, end: number): { bits: bigint; length: number } {
    switch (wireType) {
      case WIRE.varint:
        return { bits: this.varint(), length: 0 };
      case WIRE.fixed32:
        return { bits: this.#fixed(4), length: 0 };
      case WIRE.fixed64:
        return { bits: this.#fixed(8), length: 0 };
      case WIRE.bytes:
        return { bits: 0n, length: this.#length(end) };
      default:
        return this.#fail(`${wireType} is no wire type of today's protobuf`);
    }
  }

  /** A varint, rounded beyond 2^53. */
  #number(): number {
    const start = this.at;
    const low = this.#low();
    if (low !== undefined) return low;
    this.at = start;
    return Number(this.varint());
  }

  /** The number of a varint of up to 28 bits; of others only the first 28 bits are read. */
  #low(): number | undefined {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return low;
    }
    this.#rest = low;
    return undefined;
  }

  varint(): bigint {
    const low = this.#low();
    if (low !== undefined) return BigInt(low);
    let bits = BigInt(this.#rest);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      bits |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, bits);
    }
    return this.#fail("a number is longer than 10 bytes");
  }

  #length(end: number): number {
    const length = this.#number();
    if (length > end - this.at) this.#fail(`a field claims ${length} bytes, but only ${end - this.at} are left`);
    return length;
  }

  #fixed(size: number): bigint {
    let bits = 0n;
    for (let index = 0; index < size; index++) bits |= BigInt(this.#byte()) << BigInt(8 * index);
    return bits;
  }

  #byte(): number {
    const byte = this.#bytes[this.at];
    if (byte === undefined) this.#fail("the message ends in the middle of a field");
    this.at++;
    return byte as number;
  }

  #fail(problem: string): never {
    throw new BoltqError("format", `this is no valid protobuf message: ${problem}`, {
      offset: this.#base + this.at,
      remedy: "The file is damaged, cut short, or of another kind",
    });
  }
}

/** Puts a message together. Large runs of bytes are taken up as they are and read only when the message is written. */
export class WireWriter {
  readonly #parts: Bytes[] = [];
  readonly #small = new ByteWriter();
  #length = 0;

  /** Bytes of the message so far. */
  get length(): number {
    return this.#length + this.#small.length;
  }

  /** A varint field; negative numbers take 10 bytes, as protobuf's int32 and int64 do. */
  integer(number: number, value: number | bigint): void {
    this.#tag(number, WIRE.varint);
    this.#integer(value);
  }

  float(number: number, value: number): void {
    this.#tag(number, WIRE.fixed32);
    this.#small.float32(value);
  }

  bytes(number: number, data: Uint8Array): void {
    this.#head(number, data.byteLength);
    this.#small.bytes(data);
  }

  text(number: number, text: string): void {
    this.#tag(number, WIRE.bytes);
    this.#small.lengthAndText(text);
  }

  /** A bytes field whose content may still be in a file. */
  lazyBytes(number: number, data: Bytes): void {
    this.#head(number, data.length);
    this.#lazy(data);
  }

  message(number: number, message: WireWriter): void {
    this.#head(number, message.length);
    for (const part of message.#parts) this.#lazy(part);
    this.#small.bytes(message.#small.take());
  }

  /** Repeated integers, packed. */
  packed(number: number, values: readonly (number | bigint)[]): void {
    const inner = new WireWriter();
    for (const value of values) inner.#integer(value);
    this.message(number, inner);
  }

  /** Fields that are encoded already. */
  raw(fields: Uint8Array): void {
    this.#small.bytes(fields);
  }

  /** The whole message in order, in pieces that may still be in a file. Ends the writer. */
  parts(): readonly Bytes[] {
    this.#flush();
    return this.#parts;
  }

  #head(number: number, length: number): void {
    this.#tag(number, WIRE.bytes);
    this.#small.varint(length);
  }

  #tag(number: number, wireType: number): void {
    this.#small.varint(8 * number + wireType);
  }

  #integer(value: number | bigint): void {
    if (typeof value === "number" && value >= 0 && Number.isSafeInteger(value)) this.#small.varint(value);
    else this.#varint(BigInt.asUintN(64, BigInt(value)));
  }

  #lazy(data: Bytes): void {
    this.#flush();
    this.#parts.push(data);
    this.#length += data.length;
  }

  #flush(): void {
    if (this.#small.length === 0) return;
    const bytes = this.#small.take();
    this.#parts.push(memoryBytes(bytes));
    this.#length += bytes.length;
  }

  #varint(value: bigint): void {
    const bytes: number[] = [];
    let rest = value;
    while (rest >= 0x80n) {
      bytes.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    bytes.push(Number(rest));
    this.#small.bytes(Uint8Array.from(bytes));
  }
}
