import { BoltqError } from "../error.ts";
import type { Failure, FromWorker, ToWorker } from "./messages.ts";
import type { OwnPort } from "./port.ts";

/** What a worker does. */
export interface WorkerService<Request, Answer, Ready = Answer> {
  /** The answer that says that the worker is ready. */
  readonly ready: Ready;
  /** Answers a question; what `handedOver` names is given away, not copied. */
  handle(request: Request): Promise<{ readonly answer: Answer; readonly handedOver?: readonly ArrayBuffer[] }>;
  close?(): Promise<void>;
}

/** Answers a WorkerLink until that closes. `open` is called with what the link was started with. */
export function serveWorker<Start, Request, Answer, Ready = Answer>(
  port: OwnPort,
  open: (start: Start) => Promise<WorkerService<Request, Answer, Ready>>,
): void {
  let opening: Promise<WorkerService<Request, Answer, Ready>> | undefined;
  const answering = async (
    id: number,
    find: () => Promise<{ answer: unknown; handedOver?: readonly ArrayBuffer[] }>,
  ) => {
    try {
      const { answer, handedOver = [] } = await find();
      port.post({ id, answer } satisfies FromWorker<unknown>, handedOver);
    } catch (error) {
      port.post({ id, failure: failureOf(error) } satisfies FromWorker<unknown>, []);
    }
  };
  const close = async () => {
    await opening?.then((service) => service.close?.()).catch(() => {}); // What failed to open was told when it failed.
    port.close();
  };
  port.onMessage((received) => {
    const message = received as ToWorker<Start, Request>;
    if (message === "close") void close();
    else if ("start" in message) {
      const started = open(message.start);
      opening = started;
      void answering(message.id, async () => ({ answer: (await started).ready }));
    } else void answering(message.id, async () => (await opening!).handle(message.request));
  });
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof BoltqError)) {
    return { code: "runtime", problem: error instanceof Error ? error.message : String(error), details: {} };
  }
  return { code: error.code, problem: error.problem, details: { ...error.details, cause: undefined } };
}
