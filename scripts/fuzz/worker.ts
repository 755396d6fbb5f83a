import { parentPort, workerData } from "node:worker_threads";
import { inputOf, seedOf } from "./executions.ts";
import { exercise } from "./exercise.ts";
import { makeSeeds } from "./seeds.ts";

/** What the worker is told. */
export interface WorkerData {
  readonly baseSeed: number;
  readonly first: number;
  readonly shared: string | undefined;
  /** Where the number of the execution that runs now is kept. */
  readonly current: Int32Array;
}

/** A fault that the worker could tell of itself. */
export interface WorkerFault {
  readonly index: number;
  readonly step: string;
  readonly error: string;
}

const { baseSeed, first, shared, current } = workerData as WorkerData;
const seeds = await makeSeeds(shared);
for (let index = first; ; index++) {
  Atomics.store(current, 0, index);
  const fault = await run(index);
  if (fault !== undefined) parentPort!.postMessage({ index, ...fault } satisfies WorkerFault);
}

async function run(index: number): Promise<Omit<WorkerFault, "index"> | undefined> {
  try {
    const { kind, bytes } = await inputOf(seeds, baseSeed, index);
    return await exercise(kind, bytes, seedOf(baseSeed, index));
  } catch (error) {
    return { step: "mutate", error: `${(error as Error).stack}` };
  }
}
