import { parentPort, workerData } from "node:worker_threads";
import { createDirectSession } from "../onnxruntime.ts";
import type { Session } from "../runtime.ts";
import { runtimeError } from "../runtime-error.ts";
import { importOnnxRuntimeNode } from "./import-onnxruntime.ts";
import type { Answer, Request, WorkerStart } from "./worker-messages.ts";

const port = parentPort!;
const { model, options } = workerData as WorkerStart;
const opening = openSession();

port.on("message", (request: Request) => {
  void answering(request.id, async () => handle(request, await opening));
});
void answering(0, async () => {
  const { inputs, outputs } = await opening;
  return { id: 0, kind: "ready", inputs, outputs };
});

async function openSession(): Promise<Session> {
  const ort = await importOnnxRuntimeNode();
  if (ort === undefined) throw new Error("onnxruntime-node cannot be loaded in a worker thread");
  return createDirectSession(ort, model, options);
}

async function handle(request: Request, session: Session): Promise<Answer> {
  const { id } = request;
  if (request.kind === "time") return { id, kind: "timed", times: await session.time(request.feeds, request.count) };
  return { id, kind: "ran", outputs: await session.run(request.feeds, request.fetches) };
}

async function answering(id: number, answer: () => Promise<Answer>): Promise<void> {
  try {
    const message = await answer();
    port.postMessage(message, message.kind === "ran" ? buffersOf(message) : []);
  } catch (error) {
    const { code, problem, details } = runtimeError(error, options.name ?? "(memory)");
    port.postMessage({ id, kind: "failed", code, problem, details: { ...details, cause: undefined } } satisfies Answer);
  }
}

/** Buffers that are handed over instead of copied; two outputs may share one. */
function buffersOf({ outputs }: Extract<Answer, { kind: "ran" }>): ArrayBuffer[] {
  return [...new Set([...outputs.values()].map(({ data }) => data.buffer as ArrayBuffer))];
}
