import type { NamedTensors, Session } from "../runtime/runtime.ts";

/** Run times of two sessions, measured in turns so that what else the machine does hits both alike. */
export class Times {
  readonly #taken: [number[], number[]] = [[], []];
  #warm = false;

  async measure(sessions: readonly [Session, Session], feeds: readonly [NamedTensors, NamedTensors]): Promise<void> {
    const once = async (index: 0 | 1) => (await sessions[index].time(feeds[index], 1))[0]!;
    if (!this.#warm) {
      await once(0);
      await once(1);
      this.#warm = true;
    }
    this.#taken[0].push(await once(0));
    this.#taken[1].push(await once(1));
  }

  medians(): [number, number] | undefined {
    const [first, second] = this.#taken;
    return first.length === 0 ? undefined : [median(first), median(second)];
  }
}

/** The number in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
