import type { Sample } from "../../data/dataset.ts";
import type { Labels } from "../../data/labels.ts";
import { denseValues } from "../../graph/dense-values.ts";
import type { DenseTensor } from "../../graph/tensor.ts";
import { BoltqError } from "../../io/error.ts";
import type { NamedTensors } from "../../runtime/runtime.ts";
import { boxesOf, matchedBoxes } from "../boxes.ts";
import { answerOf, changedShare, expectedChanges, lostOfChanged } from "./answers.ts";

/** How much worse a quantized model is than its float model. */
export interface TuneMetric {
  readonly name: string;
  /** What is remembered of one example's outputs. */
  readonly keep: (sample: Sample, outputs: NamedTensors) => Float32Array;
  /** What is lost of the float model's quality, in per cent points; 0 or less: nothing. */
  readonly drop: (kept: readonly Float32Array[], reference: readonly Float32Array[]) => number;
  /** What would be lost on other examples, where these say it by chance: what the limit is held against. Default: `drop`. */
  readonly expected?: (kept: readonly Float32Array[], reference: readonly Float32Array[]) => number;
}

/**
 * Share of right answers. Examples without a label do not count. A few answers that change decide over it, to the better or the worse by chance: so what
 * is expected on other examples leans on how many change, all the more the fewer the examples are.
 */
export function top1Metric(labels: Labels, labelOffset = 0): TuneMetric {
  const drop: TuneMetric["drop"] = (kept, reference) => {
    const labelled = reference.filter(([right]) => !Number.isNaN(right!)).length;
    if (labelled === 0) throw noLabels();
    return (100 * (rightOf(reference) - rightOf(kept))) / labelled;
  };
  return {
    name: "top1",
    keep: ({ name }, outputs) => {
      const label = labels.get(name);
      const answer = answerOf(firstOf(outputs));
      return Float32Array.of(label === undefined ? Number.NaN : Number(answer[0] === label + labelOffset), ...answer);
    },
    drop,
    expected: (kept, reference) => {
      const answers = [kept.map(answerPart), reference.map(answerPart)] as const;
      const changed = expectedChanges(...answers);
      const usual = 100 * changed * (lostOfChanged(...answers) ?? LOST_OF_CHANGED);
      const [chance, spread] = [100 * Math.sqrt(changed / kept.length), usual / 2 + 0.05];
      const weight = spread ** 2 / (spread ** 2 + chance ** 2);
      return usual + weight * (drop(kept, reference) - usual);
    },
  };
}

/**
 * Where there are too few answers to say: most change between two that are about as likely to be right. Of ten, right answers go down by about one (int8
 * against float of the classifiers in docs/accuracy.md, over all their images).
 */
const LOST_OF_CHANGED = 0.1;

/** An answer without whether it is right. */
function answerPart(kept: Float32Array): Float32Array {
  return kept.subarray(1);
}

function rightOf(answers: readonly Float32Array[]): number {
  return answers.filter(([right]) => right === 1).length;
}

/** Share of examples for which the quantized model names another class than the float model. */
export const AGREEMENT: TuneMetric = {
  name: "agreement",
  keep: (_, outputs) => Float32Array.from(answerOf(firstOf(outputs))),
  drop: (kept, reference) => 100 * changedShare(kept, reference),
  expected: (kept, reference) => 100 * expectedChanges(kept, reference),
};

/** Power of the outputs' error as a share of the outputs' power: 1 % is 20 dB, 0.1 % is 30 dB. */
export const DECIBELS: TuneMetric = {
  name: "db",
  keep: (_, outputs) => Float32Array.from([...outputs.values()].flatMap((tensor) => Array.from(denseValues(tensor)))),
  drop: (kept, reference) => {
    let [error, power] = [0, 0];
    kept.forEach((values, example) => {
      reference[example]!.forEach((right, index) => {
        error += (values[index]! - right) ** 2;
        power += right ** 2;
      });
    });
    return error === 0 ? 0 : (100 * error) / power;
  },
};

/** Boxes of a detector: 1 − F1, where a box is right that the float model has too, of the same class, with an overlap (IoU) of 0.5. */
export const BOXES: TuneMetric = {
  name: "boxes",
  keep: ({ inputs }, outputs) => boxesOf(firstOf(outputs), [...inputs.values()][0]!.shape),
  drop: (kept, reference) => {
    let [matched, all] = [0, 0];
    kept.forEach((boxes, example) => {
      const found = matchedBoxes(boxes, reference[example]!);
      matched += 2 * found.matched;
      all += found.count;
    });
    return all === 0 ? 0 : 100 * (1 - matched / all);
  },
};

/** Text of a recognizer that gives a score for each letter at each place (CTC, blank first): letters that are wrong against the float model's. */
export const TEXT: TuneMetric = {
  name: "text",
  keep: (_, outputs) => lettersOf(firstOf(outputs)),
  drop: (kept, reference) => {
    const wrong = kept.reduce((sum, letters, index) => sum + editDistance(letters, reference[index]!), 0);
    const all = reference.reduce((sum, { length }) => sum + length, 0);
    return all === 0 ? 0 : (100 * wrong) / all;
  },
};

/** The mean of what a function of the user's says of each example's outputs: from 0 to 1, 1 being best. */
export function scriptMetric(
  name: string,
  score: (outputs: Readonly<Record<string, DenseTensor>>, sample: Sample) => number,
): TuneMetric {
  return {
    name,
    keep: (sample, outputs) => {
      const value = score(Object.fromEntries(outputs), sample);
      if (typeof value === "number" && Number.isFinite(value)) return Float32Array.of(value);
      throw new BoltqError("usage", `the metric gave ${String(value)} for the example "${sample.name}"`, {
        file: name,
        remedy: "Let its default export give a number, 1 for the best answer and 0 for the worst",
      });
    },
    drop: (kept, reference) =>
      100 * (meanOf(reference.map(([value]) => value!)) - meanOf(kept.map(([value]) => value!))),
  };
}

/** The metrics that need nothing but outputs, by name. */
export const METRICS: Readonly<Record<string, TuneMetric>> = {
  agreement: AGREEMENT,
  db: DECIBELS,
  boxes: BOXES,
  text: TEXT,
};

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function firstOf(outputs: NamedTensors): DenseTensor {
  const [first] = outputs.values();
  if (first !== undefined) return first;
  throw new BoltqError("invalid-graph", "the model has no output");
}

/** Scores as places x letters: the best letter of each place, without repetitions and blanks. */
function lettersOf(scores: DenseTensor): Float32Array {
  const letters = scores.shape.at(-1) ?? 1;
  const values = denseValues(scores);
  const found: number[] = [];
  let before = 0;
  for (let start = 0; start < values.length; start += letters) {
    let best = 0;
    for (let letter = 1; letter < letters; letter++) if (values[start + letter]! > values[start + best]!) best = letter;
    if (best !== 0 && best !== before) found.push(best);
    before = best;
  }
  return Float32Array.from(found);
}

/** How many letters must be put in, taken out or changed (Levenshtein). */
function editDistance(one: Float32Array, other: Float32Array): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const letter of one) {
    const next = [row[0]! + 1];
    other.forEach((twin, place) => {
      next.push(Math.min(row[place]! + Number(twin !== letter), row[place + 1]! + 1, next[place]! + 1));
    });
    row = next;
  }
  return row.at(-1)!;
}

function noLabels(): BoltqError {
  return new BoltqError("mismatch", "no example has a label", {
    remedy: "Let the labels name the examples' files, or leave --labels out to keep agreement with the float model",
  });
}
