import type { Sample } from "../data/dataset.ts";
import type { ExampleObserver } from "./example-observer.ts";
import type { ValueObservations } from "./observations.ts";

/**
 * Observers that share the examples. They are opened one after the other while the first are at work already, and
 * only as many as are needed.
 */
export class ObserverPool {
  readonly #open: () => Promise<ExampleObserver>;
  readonly #size: number;
  readonly #opened: ExampleObserver[] = [];
  readonly #free: ExampleObserver[] = [];
  /** What is under way: examples, and an observer that opens. */
  readonly #busy = new Set<Promise<void>>();
  #opening = false;

  constructor(open: () => Promise<ExampleObserver>, size: number) {
    this.#open = open;
    this.#size = size;
  }

  /** Resolves when an observer has taken the example; rejects when one has failed. `done` is called when it is observed. */
  async start(example: Sample, done: () => void): Promise<void> {
    if (this.#free.length === 0) this.#openAnother();
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

  #openAnother(): void {
    if (this.#opening || this.#opened.length === this.#size) return;
    this.#opening = true;
    this.#track(
      this.#open().then((observer) => {
        this.#opened.push(observer);
        this.#free.push(observer);
        this.#opening = false;
      }),
    );
  }

  #track(work: Promise<void>): void {
    this.#busy.add(work);
    work.then(
      () => this.#busy.delete(work),
      () => {},
    );
  }
}
