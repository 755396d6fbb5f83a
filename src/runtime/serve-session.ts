import type { OwnPort } from "../io/worker/port.ts";
import { serveWorker } from "../io/worker/serve.ts";
import type { Session } from "./runtime.ts";
import { buffersOf, type SessionAnswer, type SessionReady, type SessionRequest } from "./session-messages.ts";

/** Runs a session in this worker for the thread that started it; `open` is called with what that sends first. */
export function serveSession<Start>(port: OwnPort, open: (start: Start) => Promise<Session>): void {
  serveWorker<Start, SessionRequest, SessionAnswer, SessionReady>(port, async (start) => {
    const session = await open(start);
    return {
      ready: { inputs: session.inputs, outputs: session.outputs },
      handle: async (request) => {
        if (request.kind === "time") return { answer: await session.time(request.feeds, request.count) };
        const answer = await session.run(request.feeds, request.fetches);
        return { answer, handedOver: buffersOf(answer.values()) };
      },
      close: () => session.close(),
    };
  });
}
