import type { Source } from "./bytes.ts";
import { BoltqError } from "./error.ts";

const WINDOW_BYTES = 1 << 16;

/**
 * Reads a source from front to back through a window. `need` brings bytes into the window; the `take…` methods then
 * read them without waiting. All numbers are little-endian.
 */
export class Cursor {
  readonly source: Source;
  #window = new Uint8Array(0);
  #view = new DataView(this.#window.buffer);
  #start = 0;
  #at = 0;

  constructor(source: Source) {
    this.source = source;
  }

  /** Byte offset in the source of what is taken next. */
  get position(): number {
    return this.#start + this.#at;
  }

  get remaining(): number {
    return this.source.length - this.position;
  }

  /** Makes the next `count` bytes ready. Throws `truncated` when the source ends before. */
  async need(count: number): Promise<void> {
    if (this.#at + count <= this.#window.byteLength) return;
    if (count > this.remaining)
      this.fail("truncated", `${count} more bytes are needed here, but only ${this.remaining} are left`);
    const position = this.position;
    this.#window = new Uint8Array(
      await this.source.read(position, Math.min(Math.max(count, WINDOW_BYTES), this.remaining)),
    );
    this.#view = new DataView(this.#window.buffer, this.#window.byteOffset, this.#window.byteLength);
    this.#start = position;
    this.#at = 0;
  }

  takeUint32(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  /** `count` bytes, copied. */
  takeBytes(count: number): Uint8Array {
    this.#at += count;
    return this.#window.slice(this.#at - count, this.#at);
  }

  /** Moves on without reading. Throws `truncated` when that leaves the source. */
  skip(count: number): void {
    if (count > this.remaining)
      this.fail("truncated", `${count} more bytes are needed here, but only ${this.remaining} are left`);
    const position = this.position + count;
    this.#at += count;
    if (this.#at <= this.#window.byteLength) return;
    this.#window = new Uint8Array(0);
    this.#start = position;
    this.#at = 0;
  }

  /** Throws an error that names this place. */
  fail(code: "truncated" | "format" | "limit", problem: string, remedy?: string): never {
    throw new BoltqError(code, problem, {
      file: this.source.name,
      offset: this.position,
      remedy: remedy ?? "The file is cut short or damaged; fetch or convert it again",
    });
  }
}
