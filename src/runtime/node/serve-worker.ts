import { parentPort } from "node:worker_threads";
import { createDirectSession } from "../onnxruntime.ts";
import type { ModelPath, Session, SessionOptions } from "../runtime.ts";
import { runtimeError } from "../runtime-error.ts";
import { importOnnxRuntimeNode } from "./import-onnxruntime.ts";
import { RunGate } from "./run-gate.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

/** What a worker does. */
export interface WorkerService<Request, Answer> {
  /** The answer that says the worker is ready. */
  readonly ready: Answer;
  /** Answers a question; what `handedOver` names is given away, not copied. */
  handle(request: Request): Promise<{ readonly answer: Answer; readonly handedOver?: ArrayBuffer[] }>;
  close(): Promise<void>;
}

/** Answers the main thread's WorkerLink until that closes. `name` is what messages call the model. */
export function serveWorker<Request, Answer>(name: string, open: () => Promise<WorkerService<Request, Answer>>): void {
  const port = parentPort!;
  const opening = open();
  const answering = async (id: number, find: () => ReturnType<WorkerService<Request, Answer>["handle"]>) => {
    try {
      const { answer, handedOver } = await find();
      port.postMessage({ id, answer } satisfies FromWorker<Answer>, handedOver ?? []);
    } catch (error) {
      const { code, problem, details } = runtimeError(error, name);
      const failure = { code, problem, details: { ...details, cause: undefined } };
      port.postMessage({ id, failure } satisfies FromWorker<Answer>);
    }
  };
  const close = async () => {
    await opening.then((service) => service.close()).catch(() => {}); // What failed to open was told when it failed.
    port.close();
  };
  port.on("message", (message: ToWorker<Request>) => {
    if (message === "close") void close();
    else void answering(message.id, async () => (await opening).handle(message.request));
  });
  void answering(0, async () => ({ answer: (await opening).ready }));
}

/** A session in this worker thread, whose native calls pass the gate. */
export async function openGatedSession(
  model: Uint8Array | ModelPath,
  options: SessionOptions,
  gateMemory: SharedArrayBuffer,
): Promise<Session> {
  const gate = new RunGate(gateMemory);
  const ort = await importOnnxRuntimeNode();
  if (ort === undefined) throw new Error("onnxruntime-node cannot be loaded in a worker thread");
  const session = await gate.pass(() => createDirectSession(ort, model, options));
  return {
    inputs: session.inputs,
    outputs: session.outputs,
    run: (feeds, fetches) => gate.pass(() => session.run(feeds, fetches)),
    time: async (feeds, count) => {
      const times: number[] = [];
      while (times.length < count) times.push(...(await gate.pass(() => session.time(feeds, 1))));
      return times;
    },
    close: () => session.close(),
  };
}
