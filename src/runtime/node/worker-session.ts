import type { DenseTensor } from "../../graph/tensor.ts";
import { startWorker } from "../../io/node/start-worker.ts";
import type { Signature } from "../../onnx/model.ts";
import { checkFeeds } from "../feeds.ts";
import type { ModelPath, NamedTensors, Session, SessionOptions } from "../runtime.ts";
import { RunGate } from "./run-gate.ts";
import { WorkerLink } from "./worker-link.ts";
import type { SessionAnswer, SessionRequest, SessionStart } from "./worker-messages.ts";

const WORKER = new URL("./ort-worker.js", import.meta.url);

/** Opens a model in a worker thread of its own. */
export async function createWorkerSession(model: Uint8Array | ModelPath, options: SessionOptions): Promise<Session> {
  const name = options.name ?? ("path" in model ? model.path : "(memory)");
  const gate = new RunGate();
  const workerData: SessionStart = {
    model: "path" in model ? model : exactly(model),
    options: { ...options, name },
    gate: gate.shared,
  };
  const handedOver = options.takeModel && "buffer" in workerData.model ? [workerData.model.buffer as ArrayBuffer] : [];
  const link: SessionLink = new WorkerLink(name, startWorker(WORKER, workerData, handedOver), gate);
  try {
    const ready = await link.ready;
    if (ready.kind !== "ready") throw new Error("the worker answered out of turn");
    return new WorkerSession(name, link, ready.inputs, ready.outputs);
  } catch (error) {
    await link.close();
    throw error;
  }
}

type SessionLink = WorkerLink<SessionRequest, SessionAnswer>;

class WorkerSession implements Session {
  readonly inputs: readonly Signature[];
  readonly outputs: readonly Signature[];
  readonly #name: string;
  readonly #link: SessionLink;

  constructor(name: string, link: SessionLink, inputs: readonly Signature[], outputs: readonly Signature[]) {
    this.#name = name;
    this.#link = link;
    this.inputs = inputs;
    this.outputs = outputs;
  }

  async run(feeds: NamedTensors, fetches?: readonly string[]): Promise<Map<string, DenseTensor>> {
    const answer = await this.#link.ask({ kind: "run", feeds: this.#message(feeds), fetches });
    return answer.kind === "ran" ? answer.outputs : new Map();
  }

  async time(feeds: NamedTensors, count: number): Promise<number[]> {
    const answer = await this.#link.ask({ kind: "time", feeds: this.#message(feeds), count });
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

/** Bytes whose buffer holds nothing else: cloning a view would send the whole buffer under it. */
function exactly(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}
