import { workerData } from "node:worker_threads";
import { releaseBuffers } from "../../io/release-memory.ts";
import { openGatedSession, serveWorker } from "../../runtime/node/serve-worker.ts";
import { buffersOf } from "../../runtime/node/worker-messages.ts";
import { sessionObserver } from "../example-observer.ts";
import type { ObserverAnswer, ObserverRequest, ObserverStart } from "./observer-messages.ts";

const { model, graph, name, threads, gate } = workerData as ObserverStart;

serveWorker<ObserverRequest, ObserverAnswer>(name, async () => {
  const session = await openGatedSession(model, { name, threads, planMemory: false }, gate);
  releaseBuffers([model.buffer as ArrayBuffer]);
  const observer = sessionObserver(session, graph);
  return {
    ready: undefined,
    handle: async (request) => {
      if (request === "result") return { answer: await observer.result() };
      await observer.observe(request.example);
      releaseBuffers(buffersOf(request.example.inputs.values()));
      return { answer: undefined };
    },
    close: () => observer.close(),
  };
});
