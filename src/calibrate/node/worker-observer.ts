import { WorkerLink } from "../../io/worker/link.ts";
import { type GateStart, startGatedWorker } from "../../runtime/node/gated-worker.ts";
import type { ModelPath } from "../../runtime/runtime.ts";
import type { ExampleObserver } from "../example-observer.ts";
import type { ObserverInterface } from "../observer-graph.ts";
import type { ObserverAnswer, ObserverRequest, ObserverStart } from "./observer-messages.ts";

const WORKER = new URL("./observer-worker.js", import.meta.url);

/** Observes in a worker thread of its own; only the result comes back. `model` is the file with the observers in it. */
export async function workerObserver(
  model: Uint8Array | ModelPath,
  graph: ObserverInterface,
  { name = "(memory)", threads }: { readonly name?: string | undefined; readonly threads: number },
): Promise<ExampleObserver> {
  const copy = "path" in model ? model : model.slice();
  const { worker, start } = startGatedWorker(WORKER);
  const link = new WorkerLink<ObserverStart & GateStart, ObserverRequest, ObserverAnswer>(
    name,
    worker,
    { model: copy, graph, name, threads, ...start },
    "buffer" in copy ? [copy.buffer] : [],
  );
  try {
    await link.ready;
  } catch (error) {
    await link.close();
    throw error;
  }
  return {
    capacity: 2,
    observe: async (example) => void (await link.ask({ example })),
    result: () => link.ask("result"),
    close: () => link.close(),
  };
}
