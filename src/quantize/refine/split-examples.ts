import type { Dataset, Sample } from "../../data/dataset.ts";

/** Examples to make a network better by, and others to judge it by. */
export interface SplitExamples {
  /** All but those that are held back: to calibrate with. */
  readonly calibrated: Dataset;
  /** Some of them: to fit layers to. */
  readonly fitted: readonly Sample[];
  /** Held back. Where there are few examples: all of them. */
  readonly judged: readonly Sample[];
}

/** Most examples that layers are fitted to and that are judged by; more say little more. */
const MOST_EXAMPLES = 128;

/** Of so many examples one is held back. */
const HELD_BACK = 5;

/** Splits a data set, always in the same way. It is read once where all of it is kept anyway. */
export async function splitExamples(dataset: Dataset): Promise<SplitExamples> {
  const every = Math.max(1, Math.ceil(dataset.length / MOST_EXAMPLES));
  const used: Sample[] = [];
  const skipped: [name: string, reason: string][] = [];
  let place = 0;
  for await (const sample of dataset.samples((...skip) => skipped.push(skip)))
    if (place++ % every === 0) used.push(sample);
  const whole = every === 1 ? keptDataset(dataset, used, skipped) : dataset;
  if (used.length < 2 * HELD_BACK) return { calibrated: whole, fitted: used, judged: used };
  const isJudged = (index: number) => index % HELD_BACK === 2;
  const judged = used.filter((_, index) => isJudged(index));
  const heldBack = new Set(judged.map(({ name }) => name));
  return {
    calibrated: {
      length: dataset.length - judged.length,
      names: dataset.names.filter((name) => !heldBack.has(name)),
      async *samples(onSkip) {
        for await (const sample of whole.samples(onSkip)) if (!heldBack.has(sample.name)) yield sample;
      },
    },
    fitted: used.filter((_, index) => !isJudged(index)),
    judged,
  };
}

/** A data set whose examples were all read. */
function keptDataset(
  dataset: Dataset,
  examples: readonly Sample[],
  skipped: readonly (readonly [name: string, reason: string])[],
): Dataset {
  return {
    ...dataset,
    async *samples(onSkip) {
      for (const [name, reason] of skipped) onSkip?.(name, reason);
      yield* examples;
    },
  };
}
