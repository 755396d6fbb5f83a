import { type Bytes, CHUNK_BYTES, checkRange, type Source } from "../io/bytes.ts";
import { BoltqError } from "../io/error.ts";

/** A source that holds on to something while it is read. */
export interface InflatedSource extends Source {
  close(): Promise<void>;
}

/**
 * The `length` bytes that deflate packed into `packed`. Reading onwards unpacks each byte once and keeps only what is
 * asked for; reading backwards starts again. Reads are not made at the same time. Rejects with `format` or `truncated`.
 */
export function inflatedSource(packed: Bytes, length: number, name: string): InflatedSource {
  let stream: Unpacking | undefined;
  return {
    name,
    length,
    read: async (offset = 0, count = length - offset) => {
      checkRange(length, offset, count, name);
      if (stream === undefined || offset < stream.position) {
        await stream?.close();
        stream = new Unpacking(packed, name);
      }
      await stream.skip(offset - stream.position);
      return stream.take(count);
    },
    close: async () => {
      await stream?.close();
      stream = undefined;
    },
  };
}

class Unpacking {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #name: string;
  #chunk: Uint8Array = new Uint8Array(0);
  #position = 0;

  constructor(packed: Bytes, name: string) {
    this.#name = name;
    this.#reader = streamOf(packed).pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  }

  get position(): number {
    return this.#position;
  }

  async skip(count: number): Promise<void> {
    await this.#advance(count, () => {});
  }

  async take(count: number): Promise<Uint8Array> {
    const result = new Uint8Array(count);
    let at = 0;
    await this.#advance(count, (part) => {
      result.set(part, at);
      at += part.length;
    });
    return result;
  }

  async close(): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }

  async #advance(count: number, use: (part: Uint8Array) => void): Promise<void> {
    for (let left = count; left > 0; ) {
      if (this.#chunk.length === 0) this.#chunk = await this.#next();
      const part = this.#chunk.subarray(0, left);
      use(part);
      this.#chunk = this.#chunk.subarray(part.length);
      this.#position += part.length;
      left -= part.length;
    }
  }

  async #next(): Promise<Uint8Array> {
    const { done, value } = await this.#reader.read().catch((cause: unknown) => {
      if (cause instanceof BoltqError) throw cause;
      throw new BoltqError("format", "the packed data is damaged", { file: this.#name, cause });
    });
    if (done) throw new BoltqError("truncated", "the packed data ends too early", { file: this.#name });
    return value;
  }
}

function streamOf(bytes: Bytes): ReadableStream<Uint8Array<ArrayBuffer>> {
  let offset = 0;
  return new ReadableStream(
    {
      pull: async (controller) => {
        const count = Math.min(CHUNK_BYTES, bytes.length - offset);
        if (count > 0) controller.enqueue((await bytes.read(offset, count)).slice());
        offset += count;
        if (offset >= bytes.length) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}
