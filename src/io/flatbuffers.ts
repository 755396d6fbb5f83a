import { type Bytes, rangeOf } from "./bytes.ts";
import { BoltqError } from "./error.ts";

const PAGE_BYTES = 1 << 16;
const MOST_PAGES = 64;

/** Tables and vectors may be shared, so that a small file can describe much: no more than this is read of structure. */
const WORK_PER_BYTE = 8;
const LEAST_WORK = 1 << 22;

/** A FlatBuffers file, read by place. Numbers are little-endian; only pages of it are in memory. */
export class FlatBuffer {
  readonly bytes: Bytes;
  readonly #pages = new Map<number, Uint8Array>();
  #work = 0;

  constructor(bytes: Bytes) {
    this.bytes = bytes;
  }

  /** The table that the file is. Throws BoltqError `truncated` for a file without one. */
  async root(): Promise<FlatTable> {
    return FlatTable.at(this, await this.uint32(0));
  }

  async uint32(place: number): Promise<number> {
    return (await this.view(place, 4)).getUint32(0, true);
  }

  /** `length` bytes at `place`. Throws `truncated` outside of the file, `limit` when far too much is read. */
  async view(place: number, length: number): Promise<DataView> {
    this.#work += length;
    if (this.#work > LEAST_WORK + WORK_PER_BYTE * this.bytes.length)
      throw new BoltqError("limit", "the file describes far more than it holds", { offset: place });
    const page = Math.floor(place / PAGE_BYTES);
    if (length > PAGE_BYTES || Math.floor((place + length - 1) / PAGE_BYTES) !== page) {
      const bytes = await this.bytes.read(place, length);
      return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    rangeOf(this.bytes, place, length);
    const bytes = await this.#page(page);
    return new DataView(bytes.buffer, bytes.byteOffset + (place - page * PAGE_BYTES), length);
  }

  async #page(page: number): Promise<Uint8Array> {
    const known = this.#pages.get(page);
    if (known !== undefined) return known;
    const start = page * PAGE_BYTES;
    const bytes = await this.bytes.read(start, Math.min(PAGE_BYTES, this.bytes.length - start));
    if (this.#pages.size >= MOST_PAGES) this.#pages.delete(this.#pages.keys().next().value!);
    this.#pages.set(page, bytes);
    return bytes;
  }
}

/** A table: its fields go by their numbers in the schema, counted from 0. What is not there has a default. */
export class FlatTable {
  readonly buffer: FlatBuffer;
  readonly place: number;
  readonly #fields: DataView;

  constructor(buffer: FlatBuffer, place: number, fields: DataView) {
    this.buffer = buffer;
    this.place = place;
    this.#fields = fields;
  }

  static async at(buffer: FlatBuffer, place: number): Promise<FlatTable> {
    const layout = place - (await buffer.view(place, 4)).getInt32(0, true);
    const size = (await buffer.view(layout, 2)).getUint16(0, true);
    if (size < 4) throw new BoltqError("format", `a table layout has ${size} bytes, less than 4`, { offset: layout });
    const view = await buffer.view(layout, size);
    return new FlatTable(buffer, place, view);
  }

  /** Where field `number` is; undefined where it is left out. */
  #placeOf(number: number): number | undefined {
    const at = 4 + 2 * number;
    const offset = at + 2 <= this.#fields.byteLength ? this.#fields.getUint16(at, true) : 0;
    return offset === 0 ? undefined : this.place + offset;
  }

  async uint8(number: number, absent = 0): Promise<number> {
    const place = this.#placeOf(number);
    return place === undefined ? absent : (await this.buffer.view(place, 1)).getUint8(0);
  }

  async int32(number: number, absent = 0): Promise<number> {
    const place = this.#placeOf(number);
    return place === undefined ? absent : (await this.buffer.view(place, 4)).getInt32(0, true);
  }

  async float(number: number, absent = 0): Promise<number> {
    const place = this.#placeOf(number);
    return place === undefined ? absent : (await this.buffer.view(place, 4)).getFloat32(0, true);
  }

  async uint64(number: number): Promise<number> {
    const place = this.#placeOf(number);
    return place === undefined ? 0 : Number((await this.buffer.view(place, 8)).getBigUint64(0, true));
  }

  async table(number: number): Promise<FlatTable | undefined> {
    const place = await this.#target(number);
    return place === undefined ? undefined : FlatTable.at(this.buffer, place);
  }

  /** A vector of bytes: where it lies. */
  async bytes(number: number): Promise<Bytes | undefined> {
    const vector = await this.#vector(number, 1);
    return vector === undefined ? undefined : rangeOf(this.buffer.bytes, vector.place, vector.count);
  }

  async text(number: number): Promise<string> {
    const view = await this.#elements(number, 1);
    return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  }

  async int32s(number: number): Promise<number[]> {
    const view = await this.#elements(number, 4);
    return Array.from({ length: view.byteLength / 4 }, (_, index) => view.getInt32(4 * index, true));
  }

  async uint16s(number: number): Promise<number[]> {
    const view = await this.#elements(number, 2);
    return Array.from({ length: view.byteLength / 2 }, (_, index) => view.getUint16(2 * index, true));
  }

  async floats(number: number): Promise<number[]> {
    const view = await this.#elements(number, 4);
    return Array.from({ length: view.byteLength / 4 }, (_, index) => view.getFloat32(4 * index, true));
  }

  async int64s(number: number): Promise<number[]> {
    const view = await this.#elements(number, 8);
    return Array.from({ length: view.byteLength / 8 }, (_, index) => Number(view.getBigInt64(8 * index, true)));
  }

  async tables(number: number): Promise<FlatTable[]> {
    const vector = await this.#vector(number, 4);
    const tables: FlatTable[] = [];
    for (let index = 0; index < (vector?.count ?? 0); index++) {
      const place = vector!.place + 4 * index;
      tables.push(await FlatTable.at(this.buffer, place + (await this.buffer.uint32(place))));
    }
    return tables;
  }

  async #target(number: number): Promise<number | undefined> {
    const place = this.#placeOf(number);
    return place === undefined ? undefined : place + (await this.buffer.uint32(place));
  }

  async #vector(number: number, size: number): Promise<{ place: number; count: number } | undefined> {
    const place = await this.#target(number);
    if (place === undefined) return undefined;
    const count = await this.buffer.uint32(place);
    rangeOf(this.buffer.bytes, place + 4, count * size);
    return { place: place + 4, count };
  }

  async #elements(number: number, size: number): Promise<DataView> {
    const vector = await this.#vector(number, size);
    return vector === undefined || vector.count === 0
      ? new DataView(new ArrayBuffer(0))
      : this.buffer.view(vector.place, vector.count * size);
  }
}
