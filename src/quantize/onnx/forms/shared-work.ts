/** Codes of more bytes are made anew each time. */
const MOST_CODE_BYTES = 2 ** 26;

/** What quantizations of one float model by several recipes need but once. Keys name the operator, as these stay the same. */
export class SharedWork {
  readonly #results = new Map<string, unknown>();
  #codeBytes = 0;

  /** The result of the first call with this key. */
  once<Result>(key: string, make: () => Promise<Result>): Promise<Result> {
    const made = (this.#results.get(key) as Promise<Result> | undefined) ?? make();
    this.#results.set(key, made);
    return made;
  }

  /** The same for codes of so many bytes, as long as there is room to keep them. */
  codes<Result>(key: string, bytes: number, make: () => Promise<Result>): Promise<Result> {
    if (this.#results.has(key)) return this.once(key, make);
    if (this.#codeBytes + bytes > MOST_CODE_BYTES) return make();
    this.#codeBytes += bytes;
    return this.once(key, make);
  }
}
