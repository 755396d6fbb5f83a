import type { OwnPort, StartedWorker } from "../worker/port.ts";

/** A browser's worker that the caller has started. */
export function webWorker(worker: Worker): StartedWorker {
  let settle: () => void;
  const ended = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return {
    post: (message, handedOver) => worker.postMessage(message, [...handedOver]),
    onMessage: (listener) => worker.addEventListener("message", ({ data }) => listener(data)),
    onFailure: (listener) =>
      worker.addEventListener("error", ({ message }) => listener(new Error(message ?? "its script cannot be loaded"))),
    ended,
    end: () => {
      worker.terminate();
      settle();
    },
    hold: () => {},
  };
}

/** What a browser's worker is inside. */
interface WorkerScope {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  close(): void;
}

/** The line of this worker to the page that started it. */
export function ownWebPort(): OwnPort {
  const scope = globalThis as unknown as WorkerScope;
  return {
    post: (message, handedOver) => scope.postMessage(message, [...handedOver]),
    onMessage: (listener) => scope.addEventListener("message", ({ data }) => listener(data)),
    close: () => scope.close(),
  };
}
