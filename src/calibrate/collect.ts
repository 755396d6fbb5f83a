import type { Dataset } from "../data/dataset.ts";
import { BoltqError } from "../io/error.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { handModel } from "../runtime/hand-model.ts";
import { loadRuntime } from "../runtime/load.ts";
import type { HandedModel, Runtime } from "../runtime/runtime.ts";
import { compareText, mergeValues, type Observations, type ValueObservations } from "./observations.ts";
import type { ObserverInterface } from "./observer-graph.ts";
import { ObserverPool } from "./observer-pool.ts";
import { outlierWarnings } from "./outlier.ts";
import type { Collected } from "./statistics.ts";

/** How a model is run over examples. */
export interface CollectOptions {
  /** What messages call the model. */
  readonly name?: string;
  /** Default: the one that is installed. */
  readonly runtime?: Runtime;
  /** Called after each example. */
  readonly onProgress?: (examples: number) => void;
  /** Called for each example that cannot be read. */
  readonly onSkip?: (name: string, reason: string) => void;
  /** Called at the end for each example that reaches far beyond all others. */
  readonly onWarning?: (warning: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs the model on all examples, once, and collects what `needs` asks for of the named values. Nothing but the result is
 * kept. The result is the same, bit for bit, for any order of the examples. The model must not be
 * used by others meanwhile. Throws BoltqError
 * `invalid-data` when there are no examples or numbers are not finite, `cancelled` when the signal aborts.
 */
export async function collectObservations(
  model: OnnxModel,
  needs: ReadonlyMap<string, ReadonlySet<Collected>>,
  dataset: Dataset,
  options: CollectOptions = {},
): Promise<Observations> {
  const { openObserver } = await import("#calibrate/open-observer");
  const { name, runtime = await loadRuntime() } = options;
  const { graph, handed } = await observerModel(model, needs, runtime);
  const { sessions, threads } = wayFor(runtime, handed.length);
  const observed = { model: handed.model, graph, name, threads };
  const observers = new ObserverPool(() => openObserver(runtime, observed), sessions);
  try {
    const { examples, skipped } = await observeAll(dataset, observers, options);
    const parts = await observers.results();
    const observations: Observations = {
      examples: examples.sort(),
      skipped: skipped.sort((left, right) => compareText(left.name, right.name)),
      values: new Map(graph.observed.map(({ name }, index) => [name, mergedParts(parts, index, name)])),
    };
    for (const warning of outlierWarnings(observations)) options.onWarning?.(warning);
    return observations;
  } finally {
    await observers.close();
    handed.release();
  }
}

/** Two examples at once, each with a copy of the model, is fastest; two threads inside each operator take less memory. */
const TWO_COPIES = { sessions: 2, threads: 1 };
const TWO_THREADS = { sessions: 1, threads: 2 };

/** Where all runs in the calling thread, a second session would only take memory. */
const ALONE = { sessions: 1, threads: 1 };

/** Models from this size on are not copied. */
const LARGE_MODEL_BYTES = 1 << 23;

function wayFor({ placement }: Runtime, bytes: number): { sessions: number; threads: number } {
  if (placement === "direct") return ALONE;
  return bytes < LARGE_MODEL_BYTES ? TWO_COPIES : TWO_THREADS;
}

/** The model with the observers in it, for sessions; the model itself is left as it was. */
async function observerModel(
  model: OnnxModel,
  needs: ReadonlyMap<string, ReadonlySet<Collected>>,
  runtime: Runtime,
): Promise<{ graph: ObserverInterface; handed: HandedModel }> {
  const { addObservers } = await import("./observer-graph.ts");
  const observers = addObservers(model, needs);
  try {
    return { graph: observers.interface, handed: await handModel(model, runtime) };
  } finally {
    observers.remove();
  }
}

async function observeAll(
  dataset: Dataset,
  observers: ObserverPool,
  { onProgress, onSkip, signal }: CollectOptions,
): Promise<{ examples: string[]; skipped: { name: string; reason: string }[] }> {
  const examples: string[] = [];
  const skipped: { name: string; reason: string }[] = [];
  const skip = (name: string, reason: string) => {
    skipped.push({ name, reason });
    onSkip?.(name, reason);
  };
  for await (const example of dataset.samples(skip)) {
    if (signal?.aborted) throw new BoltqError("cancelled", "calibration was stopped");
    await observers.start(example, () => {
      examples.push(example.name);
      onProgress?.(examples.length);
    });
  }
  await observers.finish();
  if (examples.length > 0) return { examples, skipped };
  throw new BoltqError("invalid-data", "there is no example to calibrate with", {
    remedy: "Give a folder with pictures or arrays",
  });
}

function mergedParts(parts: readonly (readonly ValueObservations[])[], index: number, name: string): ValueObservations {
  return parts.map((part) => part[index]!).reduce((one, other) => mergeValues(one, other, name));
}
