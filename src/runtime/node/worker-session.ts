import type { Worker } from "node:worker_threads";
import type { DenseTensor } from "../../graph/tensor.ts";
import { BoltqError } from "../../io/error.ts";
import { startWorker } from "../../io/node/start-worker.ts";
import type { Signature } from "../../onnx/model.ts";
import { checkFeeds } from "../feeds.ts";
import type { ModelPath, NamedTensors, Session, SessionOptions } from "../runtime.ts";
import { RunGate } from "./run-gate.ts";
import { type Answer, buffersOf, type Request, type WorkerStart } from "./worker-messages.ts";

const WORKER = new URL("./ort-worker.js", import.meta.url);

/** Opens a model in a worker thread of its own. */
export async function createWorkerSession(model: Uint8Array | ModelPath, options: SessionOptions): Promise<Session> {
  const name = options.name ?? ("path" in model ? model.path : "(memory)");
  const gate = new RunGate();
  const workerData: WorkerStart = {
    model: "path" in model ? model : exactly(model),
    options: { ...options, name },
    gate: gate.shared,
  };
  const handedOver = options.takeModel && "buffer" in workerData.model ? [workerData.model.buffer as ArrayBuffer] : [];
  const link = new WorkerLink(name, startWorker(WORKER, workerData, handedOver), gate);
  try {
    const { inputs, outputs } = await link.ready;
    return new WorkerSession(name, link, inputs, outputs);
  } catch (error) {
    await link.close();
    throw error;
  }
}

class WorkerSession implements Session {
  readonly inputs: readonly Signature[];
  readonly outputs: readonly Signature[];
  readonly #name: string;
  readonly #link: WorkerLink;

  constructor(name: string, link: WorkerLink, inputs: readonly Signature[], outputs: readonly Signature[]) {
    this.#name = name;
    this.#link = link;
    this.inputs = inputs;
    this.outputs = outputs;
  }

  async run(
    feeds: NamedTensors,
    fetches?: readonly string[],
    reuse: NamedTensors = new Map(),
  ): Promise<Map<string, DenseTensor>> {
    const message = { kind: "run", feeds: this.#message(feeds), fetches, reuse: new Map(reuse) } as const;
    const answer = await this.#link.ask((id) => ({ id, ...message }), buffersOf(reuse.values()));
    return answer.kind === "ran" ? answer.outputs : new Map();
  }

  async time(feeds: NamedTensors, count: number): Promise<number[]> {
    const answer = await this.#link.ask((id) => ({ id, kind: "time", feeds: this.#message(feeds), count }));
    return answer.kind === "timed" ? answer.times : [];
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  #message(feeds: NamedTensors): Map<string, DenseTensor> {
    checkFeeds(feeds, this.inputs, this.#name);
    return new Map([...feeds].map(([name, tensor]) => [name, { ...tensor, data: exactly(tensor.data) }]));
  }
}

type Pending = { resolve: (answer: Answer) => void; reject: (error: Error) => void };

/**
 * Questions to a worker and its answers. The worker keeps the process alive only while a question is open. It is asked
 * to end, never terminated: ending a thread inside ONNX Runtime aborts the process.
 */
class WorkerLink {
  readonly ready: Promise<Extract<Answer, { kind: "ready" }>>;
  readonly #name: string;
  readonly #worker: Worker;
  readonly #gate: RunGate;
  readonly #pending = new Map<number, Pending>();
  readonly #ended: Promise<void>;
  #lastId = 0;
  #closed = false;

  constructor(name: string, worker: Worker, gate: RunGate) {
    this.#name = name;
    this.#worker = worker;
    this.#gate = gate;
    guardExit(gate);
    worker.on("message", (answer: Answer) => this.#settle(answer));
    worker.on("error", (error) => this.#reject(workerFailure(name, error)));
    this.#ended = new Promise((resolve) => {
      worker.on("exit", () => {
        openGates.delete(gate);
        this.#reject(new BoltqError("cancelled", "the session was closed", { file: name }));
        resolve();
      });
    });
    this.ready = this.#expect(0) as Promise<Extract<Answer, { kind: "ready" }>>;
  }

  /** The buffers in `handedOver` are gone for the caller. */
  ask(request: (id: number) => Request, handedOver: ArrayBuffer[] = []): Promise<Answer> {
    if (this.#closed) return Promise.reject(new BoltqError("cancelled", "the session is closed", { file: this.#name }));
    this.#lastId += 1;
    const message = request(this.#lastId);
    const answer = this.#expect(this.#lastId);
    this.#worker.postMessage(message, handedOver);
    return answer;
  }

  /** What is open is rejected at once; resolves when the call under way has returned and the worker has ended. */
  close(): Promise<void> {
    if (!this.#closed) {
      this.#reject(new BoltqError("cancelled", "the session was closed", { file: this.#name }));
      this.#gate.close();
      this.#worker.ref();
      this.#worker.postMessage({ id: 0, kind: "close" } satisfies Request);
    }
    return this.#ended;
  }

  #expect(id: number): Promise<Answer> {
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
    });
  }

  #settle(answer: Answer): void {
    const pending = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if (this.#pending.size === 0 && !this.#closed) this.#worker.unref();
    if (answer.kind === "failed") pending?.reject(new BoltqError(answer.code, answer.problem, answer.details));
    else pending?.resolve(answer);
  }

  #reject(error: BoltqError): void {
    this.#closed = true;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

const openGates = new Set<RunGate>();

/** Lets the process end only outside native calls; one listener for all sessions, set when the first one opens. */
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

/** Bytes whose buffer holds nothing else: cloning a view would send the whole buffer under it. */
function exactly(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}
