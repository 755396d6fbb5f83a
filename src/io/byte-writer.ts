/** How much a writer holds at first, once something is put: most messages of a model are small, and many are empty. */
const FIRST_BYTES = 64;

/** Groups of seven bits in 2^53. */
const MOST_VARINT_BYTES = 8;

const NOTHING = new Uint8Array(0);
const VIEW_OF_NOTHING = new DataView(NOTHING.buffer);

/** A buffer that grows as numbers and bytes are put at its end. All numbers are little-endian. */
export class ByteWriter {
  #bytes: Uint8Array = NOTHING;
  #view = VIEW_OF_NOTHING;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  uint32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  float32(value: number): void {
    this.#reserve(4);
    this.#view.setFloat32(this.#length, value, true);
    this.#length += 4;
  }

  /** A whole number from zero to 2^53 in groups of seven bits, the least first, as protobuf has them. */
  varint(value: number): void {
    this.#reserve(MOST_VARINT_BYTES);
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
    this.#bytes[this.#length++] = rest;
  }

  bytes(data: Uint8Array): void {
    this.#reserve(data.byteLength);
    this.#bytes.set(data, this.#length);
    this.#length += data.byteLength;
  }

  /** What was put so far; the writer starts anew. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.byteLength) return;
    const grown = new Uint8Array(Math.max(FIRST_BYTES, 2 * this.#bytes.byteLength, this.#length + count));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
