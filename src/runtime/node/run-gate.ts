const BUSY = 0;
const STOPPED = 1;
const PLACES = 2;

/** How long the end of the process waits for a call that is under way. */
const PATIENCE_MILLISECONDS = 10_000;

/**
 * Keeps a worker thread from being ended inside a native call of ONNX Runtime: that would abort the whole process. The
 * worker makes its calls through the gate; the main thread closes the gate before the process ends. Both sides write
 * before they read, so that no call starts unseen.
 */
export class RunGate {
  readonly shared: SharedArrayBuffer;
  readonly #state: Int32Array;

  /** @param shared the memory of the gate at the other side */
  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(PLACES * Int32Array.BYTES_PER_ELEMENT)) {
    this.shared = shared;
    this.#state = new Int32Array(shared);
  }

  /** Worker: makes a native call, unless the gate is closed. */
  async pass<Result>(call: () => Promise<Result>): Promise<Result> {
    Atomics.store(this.#state, BUSY, 1);
    try {
      if (Atomics.load(this.#state, STOPPED) === 1) throw new Error("the session is closed");
      return await call();
    } finally {
      Atomics.store(this.#state, BUSY, 0);
      Atomics.notify(this.#state, BUSY);
    }
  }

  /** Main thread: lets no further call start. */
  close(): void {
    Atomics.store(this.#state, STOPPED, 1);
  }

  /** Main thread: blocks until the call that is under way has returned. */
  wait(): void {
    Atomics.wait(this.#state, BUSY, 1, PATIENCE_MILLISECONDS);
  }
}
