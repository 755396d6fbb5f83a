/** How many calls are under way: a worker that has several questions to answer begins one before another ends. */
const CALLS = 0;
const STOPPED = 1;
const PLACES = 2;

/** States of STOPPED: no further run, and, at the end of the process, no native call at all. */
const CLOSED = 1;
const ENDED = 2;

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
  pass<Result>(call: () => Promise<Result>): Promise<Result> {
    return this.#counted(call, CLOSED);
  }

  /** Worker: makes the native call that lets a session go, also when the gate is closed. */
  release<Result>(call: () => Promise<Result>): Promise<Result> {
    return this.#counted(call, ENDED);
  }

  async #counted<Result>(call: () => Promise<Result>, barrier: number): Promise<Result> {
    Atomics.add(this.#state, CALLS, 1);
    try {
      if (Atomics.load(this.#state, STOPPED) >= barrier) throw new Error("the session is closed");
      return await call();
    } finally {
      Atomics.sub(this.#state, CALLS, 1);
      Atomics.notify(this.#state, CALLS);
    }
  }

  /** Main thread: lets no further call start. */
  close(): void {
    Atomics.compareExchange(this.#state, STOPPED, 0, CLOSED);
  }

  /** Main thread, at the end of the process: lets no native call start any more. */
  end(): void {
    Atomics.store(this.#state, STOPPED, ENDED);
  }

  /** Main thread: blocks until the calls that are under way have returned; false if that takes too long. */
  wait(): boolean {
    const end = Date.now() + PATIENCE_MILLISECONDS;
    for (let calls = this.#calls(); calls > 0; calls = this.#calls()) {
      if (Date.now() >= end) return false;
      Atomics.wait(this.#state, CALLS, calls, end - Date.now());
    }
    return true;
  }

  #calls(): number {
    return Atomics.load(this.#state, CALLS);
  }
}
