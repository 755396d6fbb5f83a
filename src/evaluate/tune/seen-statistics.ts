import type { Collected, Statistics, ValueStatistics } from "../../calibrate/statistics.ts";

/** Whether all that is needed was seen. */
export function hasSeen({ values }: Statistics, needs: ReadonlyMap<string, ReadonlySet<Collected>>): boolean {
  return [...needs].every(([name, kinds]) => {
    const seen = values.get(name);
    return seen !== undefined && [...kinds].every((kind) => KINDS[kind](seen));
  });
}

/** Whether statistics hold what is asked for. */
const KINDS: Readonly<Record<Collected, (seen: ValueStatistics) => boolean>> = {
  extremes: () => true,
  histogram: ({ histogram }) => histogram !== undefined,
  sample: () => false,
  moments: ({ moments }) => moments !== undefined,
  channels: ({ channels }) => channels !== undefined,
};

/** The values of both; of one that both saw, what says more. */
export function joined(one: Statistics | undefined, other: Statistics | undefined): Statistics | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  const values = new Map(one.values);
  for (const [name, seen] of other.values) values.set(name, { ...values.get(name), ...withoutGaps(seen) });
  return { ...one, values };
}

/** The fields that are there. */
function withoutGaps(seen: ValueStatistics): ValueStatistics {
  return Object.fromEntries(
    Object.entries(seen).filter(([, field]) => field !== undefined),
  ) as unknown as ValueStatistics;
}
