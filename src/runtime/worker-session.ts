import type { DenseTensor } from "../graph/tensor.ts";
import { WorkerLink } from "../io/worker/link.ts";
import type { StartedWorker } from "../io/worker/port.ts";
import type { Signature } from "../onnx/model.ts";
import { checkFeeds } from "./feeds.ts";
import type { ModelPath, NamedTensors, Session, SessionOptions } from "./runtime.ts";
import type { SessionAnswer, SessionReady, SessionRequest, SessionStart } from "./session-messages.ts";

/**
 * Opens a model in a worker that serves a session (`serve-session.ts`). `more` is what that wants besides model and
 * options.
 */
export async function createWorkerSession<More extends object>(
  worker: StartedWorker,
  model: Uint8Array | ModelPath,
  options: SessionOptions,
  more: More,
): Promise<Session> {
  const name = options.name ?? ("path" in model ? model.path : "(memory)");
  const start = { model: "path" in model ? model : exactly(model), options: { ...options, name }, ...more };
  const handedOver = options.takeModel && "buffer" in start.model ? [start.model.buffer as ArrayBuffer] : [];
  const link: SessionLink<More> = new WorkerLink(name, worker, start, handedOver);
  try {
    const { inputs, outputs } = await link.ready;
    return new WorkerSession(name, link, inputs, outputs);
  } catch (error) {
    await link.close();
    throw error;
  }
}

type SessionLink<More> = WorkerLink<SessionStart & More, SessionRequest, SessionAnswer, SessionReady>;

class WorkerSession implements Session {
  readonly inputs: readonly Signature[];
  readonly outputs: readonly Signature[];
  readonly #name: string;
  readonly #link: SessionLink<object>;

  constructor(name: string, link: SessionLink<object>, inputs: readonly Signature[], outputs: readonly Signature[]) {
    this.#name = name;
    this.#link = link;
    this.inputs = inputs;
    this.outputs = outputs;
  }

  async run(feeds: NamedTensors, fetches?: readonly string[]): Promise<Map<string, DenseTensor>> {
    const answer = await this.#link.ask({ kind: "run", feeds: this.#message(feeds), fetches });
    return answer as Map<string, DenseTensor>;
  }

  async time(feeds: NamedTensors, count: number): Promise<number[]> {
    const answer = await this.#link.ask({ kind: "time", feeds: this.#message(feeds), count });
    return answer as number[];
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
