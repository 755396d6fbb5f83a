import { BoltqError } from "../error.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import type { StartedWorker } from "./port.ts";

interface Pending<Answer> {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/** Questions to a worker and its answers. The worker keeps the process alive only while a question is open. */
export class WorkerLink<Start, Request, Answer, Ready = Answer> {
  /** What the worker says when it is ready. */
  readonly ready: Promise<Ready>;
  readonly #name: string;
  readonly #worker: StartedWorker;
  readonly #pending = new Map<number, Pending<Answer | Ready>>();
  #lastId = 0;
  #closed = false;

  /** `name` is what messages call the worker's model; the buffers in `handedOver` are gone for the caller. */
  constructor(name: string, worker: StartedWorker, start: Start, handedOver: readonly ArrayBuffer[] = []) {
    this.#name = name;
    this.#worker = worker;
    worker.onMessage((message) => this.#settle(message as FromWorker<Answer>));
    worker.onFailure((error) => this.#reject(workerFailure(name, error)));
    void worker.ended.then(() => this.#reject(this.#cancelled()));
    this.ready = this.#expect(0) as Promise<Ready>;
    this.ready.catch(() => {}); // Whoever needs it awaits it.
    this.#post({ id: 0, start }, handedOver);
  }

  /** The buffers in `handedOver` are gone for the caller. */
  ask(request: Request, handedOver: readonly ArrayBuffer[] = []): Promise<Answer> {
    if (this.#closed) return Promise.reject(this.#cancelled());
    this.#lastId += 1;
    const answer = this.#expect(this.#lastId) as Promise<Answer>;
    this.#post({ id: this.#lastId, request }, handedOver);
    return answer;
  }

  /** What is open is rejected at once; resolves when the worker has ended. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#reject(this.#cancelled());
      this.#worker.hold(true);
      this.#worker.end();
    }
    await this.#worker.ended;
  }

  #post(message: ToWorker<Start, Request>, handedOver: readonly ArrayBuffer[]): void {
    this.#worker.post(message, handedOver);
  }

  #expect(id: number): Promise<Answer | Ready> {
    this.#worker.hold(true);
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
    });
  }

  #settle(message: FromWorker<Answer>): void {
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (this.#pending.size === 0 && !this.#closed) this.#worker.hold(false);
    if ("answer" in message) pending?.resolve(message.answer);
    else pending?.reject(new BoltqError(message.failure.code, message.failure.problem, message.failure.details));
  }

  #reject(error: BoltqError): void {
    this.#closed = true;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #cancelled(): BoltqError {
    return new BoltqError("cancelled", "the session is closed", { file: this.#name });
  }
}

function workerFailure(name: string, error: Error): BoltqError {
  return new BoltqError("runtime", `the worker thread failed: ${error.message}`, { file: name, cause: error });
}
