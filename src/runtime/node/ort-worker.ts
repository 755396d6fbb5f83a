import { workerData } from "node:worker_threads";
import { openGatedSession, serveWorker } from "./serve-worker.ts";
import { buffersOf, type SessionAnswer, type SessionRequest, type SessionStart } from "./worker-messages.ts";

const { model, options, gate } = workerData as SessionStart;

serveWorker<SessionRequest, SessionAnswer>(options.name ?? "(memory)", async () => {
  const session = await openGatedSession(model, options, gate);
  return {
    ready: { kind: "ready", inputs: session.inputs, outputs: session.outputs },
    handle: async (request) => {
      if (request.kind === "time") {
        return { answer: { kind: "timed", times: await session.time(request.feeds, request.count) } };
      }
      const outputs = await session.run(request.feeds, request.fetches);
      return { answer: { kind: "ran", outputs }, handedOver: buffersOf(outputs.values()) };
    },
    close: () => session.close(),
  };
});
