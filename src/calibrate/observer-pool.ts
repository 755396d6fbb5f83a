import type { Sample } from "../data/dataset.ts";
import type { ExampleObserver } from "./example-observer.ts";
import type { ValueObservations } from "./observations.ts";

/** Observers that share the examples. The first to be open starts while the others are still opening. */
export class ObserverPool {
  readonly #opened: ExampleObserver[] = [];
  readonly #free: ExampleObserver[] = [];
  /** What is under way: examples, and an observer that opens. */
  readonly #busy = new Set<Promise<void>>();

  constructor(open: () => Promise<ExampleObserver>, size: number) {
    for (let index = 0; index < size; index++) this.#track(open().then((observer) => this.#add(observer)));
  }

  /** Resolves when an observer has taken the example; rejects when one has failed. `done` is called when it is observed. */
  async start(example: Sample, done: () => void): Promise<void> {
    while (this.#free.length === 0) await Promise.race(this.#busy);
    const observer = this.#free.pop()!;
    this.#track(
      observer.observe(example).then(() => {
        this.#free.push(observer);
        done();
      }),
    );
  }

  /** Resolves when all examples are observed. */
  async finish(): Promise<void> {
    await Promise.all(this.#busy);
  }

  /** What each observer saw, if it saw anything. */
  async results(): Promise<(readonly ValueObservations[])[]> {
    const results = await Promise.all(this.#opened.map((observer) => observer.result()));
    return results.filter((result) => result !== undefined);
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#busy);
    await Promise.all(this.#opened.map((observer) => observer.close()));
  }

  #add(observer: ExampleObserver): void {
    this.#opened.push(observer);
    for (let place = 0; place < observer.capacity; place++) this.#free.push(observer);
  }

  #track(work: Promise<void>): void {
    this.#busy.add(work);
    work.then(
      () => this.#busy.delete(work),
      () => {},
    );
  }
}
