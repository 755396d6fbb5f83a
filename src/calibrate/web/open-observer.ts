import type { Runtime } from "../../runtime/runtime.ts";
import { type ExampleObserver, type ObserverModel, sessionObserver } from "../example-observer.ts";

/** Opens an observer that counts in the calling thread. */
export async function openObserver(
  runtime: Runtime,
  { model, graph, ...options }: ObserverModel,
): Promise<ExampleObserver> {
  return sessionObserver(await runtime.createSession(model, options), graph);
}
