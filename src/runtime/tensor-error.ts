import { denseValues } from "../graph/dense-values.ts";
import type { DenseTensor } from "../graph/tensor.ts";

/** How far a tensor is from its reference, over all samples. */
export interface TensorErrorSummary {
  readonly samples: number;
  /** Power of the reference over power of the difference, in dB; ∞ when equal, −∞ when a number is broken. */
  readonly decibels: number;
  /** Cosine of the angle between the two, without the numbers that are not finite; 1 when both are zero. */
  readonly cosine: number;
  /** Share of rows (first dimension) whose largest element is at the same place; NaN and +∞ are no largest element. */
  readonly equalArgMax: number;
  /** Infinite when a number is broken. */
  readonly largestDifference: number;
  /** How many numbers are NaN or infinite in one of the two, and not the same in the other. */
  readonly broken: number;
}

/** Gathers the error of one tensor sample by sample; order and batching do not matter beyond rounding. */
export class TensorError {
  #samples = 0;
  #rows = 0;
  #equalRows = 0;
  #reference = 0;
  #other = 0;
  #product = 0;
  #difference = 0;
  #largest = 0;
  #broken = 0;

  /** Returns whether the two have the same number of elements; otherwise nothing is counted. */
  add(reference: DenseTensor, other: DenseTensor): boolean {
    const [expected, actual] = [denseValues(reference), denseValues(other)];
    if (expected.length !== actual.length) return false;
    this.#samples += 1;
    if (expected.length === 0) return true;
    this.#addPowers(expected, actual);
    this.#addRows(expected, actual, reference.shape.length > 1 ? reference.shape[0]! : 1);
    return true;
  }

  summary(): TensorErrorSummary {
    const norms = Math.sqrt(this.#reference * this.#other);
    const equal = this.#difference === 0 && this.#broken === 0;
    return {
      samples: this.#samples,
      decibels: this.#decibels(),
      cosine: norms === 0 ? (equal ? 1 : 0) : this.#product / norms,
      equalArgMax: this.#rows === 0 ? 1 : this.#equalRows / this.#rows,
      largestDifference: this.#broken > 0 ? Number.POSITIVE_INFINITY : this.#largest,
      broken: this.#broken,
    };
  }

  #decibels(): number {
    if (this.#broken > 0) return Number.NEGATIVE_INFINITY;
    return this.#difference === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(this.#reference / this.#difference);
  }

  #addPowers(expected: ArrayLike<number>, actual: ArrayLike<number>): void {
    let [reference, other, product, difference, largest] = [0, 0, 0, 0, 0];
    for (let index = 0; index < expected.length; index++) {
      const [left, right] = [expected[index]!, actual[index]!];
      const gap = left - right;
      if (!Number.isFinite(gap)) {
        // Two finite numbers may lie further apart than the largest number: that is a broken one too.
        if (!Object.is(left, right)) this.#broken += 1;
        continue;
      }
      reference += left * left;
      other += right * right;
      product += left * right;
      difference += gap * gap;
      largest = Math.max(largest, Math.abs(gap));
    }
    this.#reference += reference;
    this.#other += other;
    this.#product += product;
    this.#difference += difference;
    this.#largest = Math.max(this.#largest, largest);
  }

  #addRows(expected: ArrayLike<number>, actual: ArrayLike<number>, rows: number): void {
    const length = Math.floor(expected.length / rows);
    for (let row = 0; row < rows; row++) {
      const start = row * length;
      this.#rows += 1;
      const place = argMax(expected, start, length);
      if (place !== undefined && place === argMax(actual, start, length)) this.#equalRows += 1;
    }
  }
}

/** Place of the first of the largest numbers; none where one is NaN or +∞: these say nothing of the others. */
function argMax(values: ArrayLike<number>, start: number, length: number): number | undefined {
  let place = start;
  for (let index = start; index < start + length; index++) {
    const value = values[index]!;
    if (Number.isNaN(value) || value === Number.POSITIVE_INFINITY) return undefined;
    if (value > values[place]!) place = index;
  }
  return place;
}
