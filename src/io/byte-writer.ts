/** How much a writer holds at first, once something is put: most messages of a model are small, and many are empty. */
const FIRST_BYTES = 64;

/** Groups of seven bits in 2^53. */
const MOST_VARINT_BYTES = 8;

const NOTHING = new Uint8Array(0);

/** Numbers go by here: a view of each writer's own would take its buffer out of the engine's heap, which is slow for the small. */
const number = new DataView(new ArrayBuffer(4));
const numberBytes = new Uint8Array(number.buffer);

const encoder = new TextEncoder();

/** A buffer that grows as numbers and bytes are put at its end. All numbers are little-endian. */
export class ByteWriter {
  #bytes: Uint8Array = NOTHING;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  uint32(value: number): void {
    number.setUint32(0, value, true);
    this.bytes(numberBytes);
  }

  float32(value: number): void {
    number.setFloat32(0, value, true);
    this.bytes(numberBytes);
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

  /** A text in UTF-8 behind its length as a varint. */
  lengthAndText(text: string): void {
    // Names are ASCII nearly always, and short: an encoder would make a buffer for each.
    if (!isAscii(text)) {
      const encoded = encoder.encode(text);
      this.varint(encoded.length);
      this.bytes(encoded);
      return;
    }
    this.varint(text.length);
    this.#reserve(text.length);
    for (let index = 0; index < text.length; index++) this.#bytes[this.#length++] = text.charCodeAt(index);
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
  }
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) >= 0x80) return false;
  return true;
}
