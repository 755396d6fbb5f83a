import { denseValues } from "../../graph/dense-values.ts";
import type { DenseTensor } from "../../graph/tensor.ts";

/** Numbers that stand for an answer: the class with the highest score, the one behind it, and how far that is behind. */
export type Answer = readonly [best: number, second: number, margin: number];

/** Sums of probabilities may miss 1 by so much. */
const SUM_TOLERANCE = 1e-3;

/** Fewer examples whose two best classes stay the same say nothing of the size of errors. */
const LEAST_COMPARED = 8;

/** By so large a part (standard deviation) margins foretell another share than what came on other photographs, for SqueezeNet, MobileNetV1 and a ResNet. */
const FORETOLD_DOUBT = 0.3;

/** The two best classes. The margin of probabilities is the logarithm of their ratio, which is the difference of the scores that they were made of. */
export function answerOf(output: DenseTensor): Answer {
  const scores = denseValues(output);
  let [best, second] = [0, -1];
  for (let place = 1; place < scores.length; place++) {
    if (scores[place]! > scores[best]!) [second, best] = [best, place];
    else if (second < 0 || scores[place]! > scores[second]!) second = place;
  }
  if (second < 0) return [best, second, Number.POSITIVE_INFINITY];
  const [high, low] = [scores[best]!, scores[second]!];
  return [best, second, areProbabilities(scores) ? Math.log(high / low) : high - low];
}

/** Share of answers that are others. */
export function changedShare(answers: readonly Float32Array[], reference: readonly Float32Array[]): number {
  return meanOf(answers.map(([best], index) => Number(best !== reference[index]![0])));
}

/**
 * Share of answers that is expected to change on other examples: what margins as narrow as these let change by errors as large as these, drawn to
 * the counted share as far as chance leaves that to be trusted. So a few answers that held or changed by chance promise nothing.
 */
export function expectedChanges(answers: readonly Float32Array[], reference: readonly Float32Array[]): number {
  const changed = changedShare(answers, reference);
  const chances = chancesOfChange(answers, reference);
  if (chances === undefined) return changed;
  const foretold = meanOf(chances);
  const [doubt, chance] = [(FORETOLD_DOUBT * foretold) ** 2, foretold / answers.length];
  return foretold === 0 ? changed : foretold + (doubt / (doubt + chance)) * (changed - foretold);
}

/**
 * Of the answers that change on other examples, the share that is right before and wrong after, less those that become right: what probabilities say that
 * answer to margins as narrow as those that errors as large as these turn around. Nets are surer of themselves than they are right, so it is hardly more.
 * undefined where too few answers were compared.
 */
export function lostOfChanged(
  answers: readonly Float32Array[],
  reference: readonly Float32Array[],
): number | undefined {
  const chances = chancesOfChange(answers, reference);
  if (chances === undefined || meanOf(chances) === 0) return undefined;
  // A margin is the logarithm of a ratio of probabilities: p to q makes (p − q) / (p + q) = tanh(margin / 2).
  return meanOf(chances.map((chance, index) => chance * Math.tanh(reference[index]![2]! / 2))) / meanOf(chances);
}

/** How likely each answer is to change by errors as large as these; undefined where too few are compared, or there are none. */
function chancesOfChange(
  answers: readonly Float32Array[],
  reference: readonly Float32Array[],
): readonly number[] | undefined {
  const errors = narrowest(reference).flatMap((index) => errorOf(answers[index]!, reference[index]!));
  const spread = Math.sqrt(meanOf(errors.map((error) => error ** 2)));
  if (errors.length < LEAST_COMPARED || spread === 0) return undefined;
  return reference.map(([, , margin]) => upperTail(margin! / spread));
}

/** The half of the answers with the narrowest margins: errors grow with margins, and wide ones are turned around by none. */
function narrowest(reference: readonly Float32Array[]): number[] {
  const places = reference.map((_, index) => index).sort((one, other) => reference[one]![2]! - reference[other]![2]!);
  return places.slice(0, Math.ceil(places.length / 2));
}

/** By how much the distance of the same two classes changed. */
function errorOf([best, second, margin]: Float32Array, [right, next, before]: Float32Array): number[] {
  const same = best === right && second === next;
  const error = (same ? margin! : -margin!) - before!;
  return (same || (best === next && second === right)) && Number.isFinite(error) ? [error] : [];
}

/** How often a number of the standard normal distribution is above `x` ≥ 0 (Abramowitz and Stegun 26.2.17: exact to 1e-7). */
function upperTail(x: number): number {
  if (!(x < 30)) return 0;
  const t = 1 / (1 + 0.2316419 * x);
  const sum = [1.330274429, -1.821255978, 1.781477937, -0.356563782, 0.31938153].reduce((all, c) => (all + c) * t, 0);
  return (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * sum;
}

function areProbabilities(scores: ArrayLike<number>): boolean {
  let sum = 0;
  for (let place = 0; place < scores.length; place++) {
    if (scores[place]! < 0) return false;
    sum += scores[place]!;
  }
  return Math.abs(sum - 1) < SUM_TOLERANCE;
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
