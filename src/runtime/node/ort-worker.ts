import { parentPort, workerData } from "node:worker_threads";
import { createDirectSession } from "../onnxruntime.ts";
import type { Session } from "../runtime.ts";
import { runtimeError } from "../runtime-error.ts";
import { importOnnxRuntimeNode } from "./import-onnxruntime.ts";
import { RunGate } from "./run-gate.ts";
import { type Answer, buffersOf, type Request, type WorkerStart } from "./worker-messages.ts";

const port = parentPort!;
const { model, options, gate: gateMemory } = workerData as WorkerStart;
const gate = new RunGate(gateMemory);
const opening = openSession();

port.on("message", (request: Request) => {
  if (request.kind === "close") void close();
  else void answering(request.id, async () => handle(request, await opening));
});
void answering(0, async () => {
  const { inputs, outputs } = await opening;
  return { id: 0, kind: "ready", inputs, outputs };
});

async function openSession(): Promise<Session> {
  const ort = await importOnnxRuntimeNode();
  if (ort === undefined) throw new Error("onnxruntime-node cannot be loaded in a worker thread");
  return gate.pass(() => createDirectSession(ort, model, options));
}

async function handle(request: Exclude<Request, { kind: "close" }>, session: Session): Promise<Answer> {
  const { id, feeds } = request;
  if (request.kind === "run") {
    return { id, kind: "ran", outputs: await gate.pass(() => session.run(feeds, request.fetches, request.reuse)) };
  }
  const times: number[] = [];
  for (let index = 0; index < request.count; index++) {
    times.push(...(await gate.pass(() => session.time(feeds, 1))));
  }
  return { id, kind: "timed", times };
}

/** Ends the worker: with its port closed, nothing keeps it alive. */
async function close(): Promise<void> {
  try {
    await (await opening).close();
  } catch {
    // What failed to open was told when it failed.
  }
  port.close();
}

async function answering(id: number, answer: () => Promise<Answer>): Promise<void> {
  try {
    const message = await answer();
    port.postMessage(message, message.kind === "ran" ? buffersOf(message.outputs.values()) : []);
  } catch (error) {
    const { code, problem, details } = runtimeError(error, options.name ?? "(memory)");
    port.postMessage({ id, kind: "failed", code, problem, details: { ...details, cause: undefined } } satisfies Answer);
  }
}
