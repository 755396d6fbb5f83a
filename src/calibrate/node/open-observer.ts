import type { Runtime } from "../../runtime/runtime.ts";
import { type ExampleObserver, type ObserverModel, sessionObserver } from "../example-observer.ts";
import { workerObserver } from "./worker-observer.ts";

/** Opens an observer. With onnxruntime-node it has a thread: inference and counting run beside reading and preparing. */
export async function openObserver(
  runtime: Runtime,
  { model, graph, ...options }: ObserverModel,
): Promise<ExampleObserver> {
  if (runtime.placement === "node-worker") return workerObserver(model, graph, options);
  return sessionObserver(await runtime.createSession(model, options), graph);
}
