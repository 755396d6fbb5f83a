import type { Worker } from "node:worker_threads";
import { BoltqError } from "../../io/error.ts";
import type { RunGate } from "./run-gate.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

interface Pending<Answer> {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/**
 * Questions to a worker that runs a model, and its answers. The worker keeps the process alive only while a question is
 * open. It is asked to end, never terminated: ending a thread inside ONNX Runtime aborts the process.
 */
export class WorkerLink<Request, Answer> {
  /** What the worker says when it is ready. */
  readonly ready: Promise<Answer>;
  readonly #name: string;
  readonly #worker: Worker;
  readonly #gate: RunGate;
  readonly #pending = new Map<number, Pending<Answer>>();
  readonly #ended: Promise<void>;
  #lastId = 0;
  #closed = false;

  /** `name` is what messages call the model. */
  constructor(name: string, worker: Worker, gate: RunGate) {
    this.#name = name;
    this.#worker = worker;
    this.#gate = gate;
    guardExit(gate);
    worker.on("message", (message: FromWorker<Answer>) => this.#settle(message));
    worker.on("error", (error) => this.#reject(workerFailure(name, error)));
    this.#ended = new Promise((resolve) => {
      worker.on("exit", () => {
        openGates.delete(gate);
        this.#reject(new BoltqError("cancelled", "the session was closed", { file: name }));
        resolve();
      });
    });
    this.ready = this.#expect(0);
  }

  /** The buffers in `handedOver` are gone for the caller. */
  ask(request: Request, handedOver: ArrayBuffer[] = []): Promise<Answer> {
    if (this.#closed) return Promise.reject(new BoltqError("cancelled", "the session is closed", { file: this.#name }));
    this.#lastId += 1;
    const answer = this.#expect(this.#lastId);
    this.#worker.postMessage({ id: this.#lastId, request } satisfies ToWorker<Request>, handedOver);
    return answer;
  }

  /** What is open is rejected at once; resolves when the call under way has returned and the worker has ended. */
  close(): Promise<void> {
    if (!this.#closed) {
      this.#reject(new BoltqError("cancelled", "the session was closed", { file: this.#name }));
      this.#gate.close();
      this.#worker.ref();
      this.#worker.postMessage("close" satisfies ToWorker<Request>);
    }
    return this.#ended;
  }

  #expect(id: number): Promise<Answer> {
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
    });
  }

  #settle(message: FromWorker<Answer>): void {
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (this.#pending.size === 0 && !this.#closed) this.#worker.unref();
    if ("answer" in message) pending?.resolve(message.answer);
    else pending?.reject(new BoltqError(message.failure.code, message.failure.problem, message.failure.details));
  }

  #reject(error: BoltqError): void {
    this.#closed = true;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

const openGates = new Set<RunGate>();

/** Lets the process end only outside native calls; one listener for all workers, set when the first one opens. */
function guardExit(gate: RunGate): void {
  if (openGates.size === 0) {
    process.off("exit", closeGates);
    process.on("exit", closeGates);
  }
  openGates.add(gate);
}

function closeGates(): void {
  for (const gate of openGates) gate.close();
  for (const gate of openGates) gate.wait();
}

function workerFailure(name: string, error: Error): BoltqError {
  return new BoltqError("runtime", `the worker thread failed: ${error.message}`, { file: name, cause: error });
}
