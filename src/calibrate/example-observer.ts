import type { Sample } from "../data/dataset.ts";
import { denseTensor } from "../graph/dense-values.ts";
import { releaseBuffers } from "../io/release-memory.ts";
import { fitInputs } from "../runtime/fit-inputs.ts";
import type { ModelPath, Session } from "../runtime/runtime.ts";
import type { ValueObservations } from "./observations.ts";
import { type ObserverInterface, SAMPLE_STRIDE } from "./observer-graph.ts";
import { resolutionOf, ValueTally } from "./value-tally.ts";

/** Runs a model with observers on one example after the other and adds up what they tell. */
export interface ExampleObserver {
  /** How many examples it takes at once: more than one where the next should wait for it, not it for the next. */
  readonly capacity: number;
  /** Rejects with BoltqError `invalid-data` for an example that does not fit or gives numbers that are not finite. */
  observe(example: Sample): Promise<void>;
  /** What was seen so far, in the order of ObserverInterface's `observed`; undefined before the first example. */
  result(): Promise<readonly ValueObservations[] | undefined>;
  close(): Promise<void>;
}

/** A model to be observed. */
export interface ObserverModel {
  /** The file with the observers in it. */
  readonly model: Uint8Array | ModelPath;
  readonly graph: ObserverInterface;
  /** What messages call the model. */
  readonly name: string | undefined;
  /** Threads inside one operator. */
  readonly threads: number;
}

/** Observes with a session on a model that has these observers in it. */
export function sessionObserver(session: Session, graph: ObserverInterface): ExampleObserver {
  const tallies = graph.observed.map((outputs) => new ValueTally(outputs));
  const fetches = graph.observed.flatMap(({ name: _, ...outputs }) =>
    Object.values(outputs).filter((name) => typeof name === "string"),
  );
  let examples = 0;
  const observe = async ({ name, inputs }: Sample) => {
    const feeds = fitInputs(graph.inputs, inputs);
    if (graph.start !== undefined) feeds.set(graph.start, denseTensor("int64", [1], [sampleStart(name)]));
    for (;;) {
      const exponents = tallies.map(({ exponent }) => exponent);
      if (graph.resolution !== undefined) {
        feeds.set(graph.resolution, denseTensor("float32", [exponents.length], exponents.map(resolutionOf)));
      }
      const results = await session.run(feeds, fetches);
      const enough = tallies.map((tally, index) => tally.makeRoom(results, exponents[index]!)).every(Boolean);
      if (enough) for (const [index, tally] of tallies.entries()) tally.add(results, exponents[index]!, name);
      releaseBuffers([...results.values()].map(({ data }) => data.buffer as ArrayBuffer));
      if (enough) break;
    }
    examples += 1;
  };
  return {
    capacity: 1,
    observe,
    result: async () => (examples === 0 ? undefined : tallies.map((tally) => tally.result())),
    close: () => session.close(),
  };
}

/** Where an example's sample starts, 0..60: from its name (FNV-1a), so that it does not depend on order or company. */
function sampleStart(name: string): number {
  let hash = 0x811c9dc5;
  for (const character of name) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193);
  return (hash >>> 0) % SAMPLE_STRIDE;
}
