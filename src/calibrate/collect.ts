import type { Dataset, Sample } from "../data/dataset.ts";
import type { DenseTensor } from "../graph/tensor.ts";
import { BoltqError } from "../io/error.ts";
import { memoryTarget } from "../io/target.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { writeOnnx } from "../onnx/write.ts";
import { denseTensor } from "../runtime/dense-values.ts";
import { fitInputs } from "../runtime/fit-inputs.ts";
import { loadRuntime } from "../runtime/load.ts";
import type { NamedTensors, Runtime, Session } from "../runtime/runtime.ts";
import { compareText, type Observations } from "./observations.ts";
import { addObservers, type ObserverGraph, SAMPLE_STRIDE } from "./observer-graph.ts";
import type { Collected } from "./statistics.ts";
import { resolutionOf, ValueTally } from "./value-tally.ts";

export interface CollectOptions {
  /** What messages call the model. */
  readonly name?: string;
  /** Default: the one that is installed. */
  readonly runtime?: Runtime;
  /** How often the model is opened, to work on several examples at once. Default 2. The result does not depend on it. */
  readonly sessions?: number;
  /** Called after each example. */
  readonly onProgress?: (examples: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Runs the model on all examples, once, and collects what `needs` asks for of the named values. Nothing but the result is
 * kept. The result is the same, bit for bit, for any order of the examples and any number of sessions. Throws BoltqError
 * `invalid-data` when there are no examples or numbers are not finite, `cancelled` when the signal aborts.
 */
export async function collectObservations(
  model: OnnxModel,
  needs: ReadonlyMap<string, ReadonlySet<Collected>>,
  dataset: Dataset,
  options: CollectOptions = {},
): Promise<Observations> {
  const { sessions: count = DEFAULT_SESSIONS } = options;
  const { observer, bytes } = await observerModel(model, needs);
  const runtime = options.runtime ?? (await loadRuntime());
  const sessions: Session[] = [];
  try {
    for (let index = 0; index < count; index++) {
      const last = index === count - 1;
      sessions.push(await runtime.createSession(last ? bytes : bytes.slice(), { takeModel: true, name: options.name }));
    }
    return await new Collector(model, observer).run(dataset, sessions, options);
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
  }
}

const DEFAULT_SESSIONS = 2;

/** The model's file with the observers in it; the model itself is left as it was. */
async function observerModel(
  model: OnnxModel,
  needs: ReadonlyMap<string, ReadonlySet<Collected>>,
): Promise<{ observer: ObserverGraph; bytes: Uint8Array }> {
  const observer = addObservers(model, needs);
  try {
    const target = memoryTarget(model.main.graph.name);
    await writeOnnx(model, target);
    return { observer, bytes: target.result() };
  } finally {
    observer.remove();
  }
}

class Collector {
  readonly #observer: ObserverGraph;
  readonly #signatures: Parameters<typeof fitInputs>[0];
  readonly #tallies: readonly ValueTally[];
  readonly #fetches: readonly string[];
  /** Outputs that are large. */
  readonly #reusable: readonly string[];
  readonly #examples: string[] = [];

  constructor(model: OnnxModel, observer: ObserverGraph) {
    this.#observer = observer;
    this.#signatures = model.main.graph.inputs.filter(({ constant }) => constant === undefined);
    this.#tallies = observer.observed.map((outputs) => new ValueTally(outputs));
    this.#reusable = observer.observed.flatMap(({ bins }) => bins ?? []);
    this.#fetches = observer.observed.flatMap(({ value: _, ...outputs }) =>
      Object.values(outputs).filter((name) => typeof name === "string"),
    );
  }

  async run(dataset: Dataset, sessions: readonly Session[], options: CollectOptions): Promise<Observations> {
    const skipped: { name: string; reason: string }[] = [];
    const free = sessions.map((session): Lane => ({ session, used: new Map() }));
    const busy = new Set<Promise<void>>();
    const start = (sample: Sample) => {
      const lane = free.pop()!;
      const task = this.#observe(sample, lane).then(() => {
        busy.delete(task);
        free.push(lane);
        options.onProgress?.(this.#examples.length);
      });
      busy.add(task);
      task.catch(() => {});
      return task;
    };
    for await (const sample of dataset.samples((name, reason) => skipped.push({ name, reason }))) {
      if (options.signal?.aborted) throw new BoltqError("cancelled", "calibration was stopped");
      const task = start(sample);
      // The first example tells how wide the bins must be about; the others need not find that out again.
      if (this.#examples.length === 0) await task;
      if (free.length === 0) await Promise.race(busy);
    }
    await Promise.all(busy);
    if (this.#examples.length === 0) throw noExamples();
    return {
      examples: this.#examples.sort(),
      skipped: skipped.sort((left, right) => compareText(left.name, right.name)),
      values: new Map(this.#observer.observed.map(({ value }, index) => [value.name, this.#tallies[index]!.result()])),
    };
  }

  async #observe({ name, inputs }: Sample, lane: Lane): Promise<void> {
    const feeds = fitInputs(this.#signatures, inputs);
    const { start } = this.#observer;
    if (start !== undefined) feeds.set(start, denseTensor("int64", [1], [sampleStart(name)]));
    for (;;) {
      const exponents = this.#tallies.map(({ exponent }) => exponent);
      const results = await lane.session.run(this.#withResolutions(feeds, exponents), this.#fetches, lane.used);
      lane.used = new Map(this.#reusable.map((name) => [name, results.get(name)!]));
      const enough = this.#tallies.map((tally, index) => tally.makeRoom(results, exponents[index]!));
      if (!enough.every(Boolean)) continue;
      for (const [index, tally] of this.#tallies.entries()) tally.add(results, exponents[index]!, name);
      this.#examples.push(name);
      return;
    }
  }

  #withResolutions(feeds: NamedTensors, exponents: readonly number[]): NamedTensors {
    const { resolution } = this.#observer;
    if (resolution === undefined) return feeds;
    const resolutions: DenseTensor = denseTensor("float32", [exponents.length], exponents.map(resolutionOf));
    return new Map([...feeds, [resolution, resolutions]]);
  }
}

/** A session and what its last run gave, whose memory the next one uses: else the system would clear new memory for each. */
interface Lane {
  readonly session: Session;
  used: NamedTensors;
}

/** Where an example's sample starts, 0..60: from its name (FNV-1a), so that it does not depend on order or company. */
function sampleStart(name: string): number {
  let hash = 0x811c9dc5;
  for (const character of name) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193);
  return (hash >>> 0) % SAMPLE_STRIDE;
}

function noExamples(): BoltqError {
  return new BoltqError("invalid-data", "there is no example to calibrate with", {
    remedy: "Give a folder with pictures or arrays",
  });
}
