import { ownPort } from "../../io/node/start-worker.ts";
import { releaseBuffers } from "../../io/release-memory.ts";
import { serveWorker } from "../../io/worker/serve.ts";
import { openGatedSession } from "../../runtime/node/gated-session.ts";
import type { GateStart } from "../../runtime/node/gated-worker.ts";
import { buffersOf } from "../../runtime/session-messages.ts";
import { sessionObserver } from "../example-observer.ts";
import type { ObserverAnswer, ObserverRequest, ObserverStart } from "./observer-messages.ts";

serveWorker<ObserverStart & GateStart, ObserverRequest, ObserverAnswer>(ownPort(), async (start) => {
  const { model, graph, name, threads, gate } = start;
  const session = await openGatedSession({ model, options: { name, threads, planMemory: false }, gate });
  if ("buffer" in model) releaseBuffers([model.buffer as ArrayBuffer]);
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
