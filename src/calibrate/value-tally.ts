import { type DenseTensor, elementCount } from "../graph/tensor.ts";
import { BoltqError } from "../io/error.ts";
import type { NamedTensors } from "../runtime/runtime.ts";
import { type ExactSum, exactly } from "./exact-sum.ts";
import { BINS, emptyHistogram, exponentFor, type Histogram, LEAST_EXPONENT, widened } from "./histogram.ts";
import type { ValueObservations } from "./observations.ts";
import { LARGEST_BIN, type ObservedOutputs } from "./observer-graph.ts";
import { mergePeaks, type Peak } from "./peak.ts";

/** Adds up what the runs of an observer graph tell of one value. */
export class ValueTally {
  readonly #outputs: ObservedOutputs;
  #examples = 0;
  #numbers = 0;
  #minimum = Number.POSITIVE_INFINITY;
  #maximum = Number.NEGATIVE_INFINITY;
  #sumOfMinima: ExactSum = 0n;
  #sumOfMaxima: ExactSum = 0n;
  #peak: Peak | undefined;
  #histogram: Histogram | undefined;
  #sum: ExactSum = 0n;
  #sumOfSquares: ExactSum = 0n;
  #magnitudes: number[] | undefined;
  #channelSums: ExactSum[] | undefined;

  constructor(outputs: ObservedOutputs) {
    this.#outputs = outputs;
    if (outputs.bins !== undefined || outputs.sample !== undefined) this.#histogram = emptyHistogram(LEAST_EXPONENT);
  }

  /** Range of the bins to ask for in the next run: they reach to 2^exponent. */
  get exponent(): number {
    return this.#histogram?.exponent ?? LEAST_EXPONENT;
  }

  /** Makes the bins wide enough for a run's results; returns whether bins made with `exponent` tell all of them. */
  makeRoom(results: NamedTensors, exponent: number): boolean {
    if (this.#histogram === undefined) return true;
    const magnitude = Math.max(-this.#number(results, "minimum"), this.#number(results, "maximum"));
    if (!Number.isFinite(magnitude)) return true;
    this.#histogram = widened(this.#histogram, Math.max(this.#histogram.exponent, exponentFor(magnitude)));
    return this.#outputs.bins === undefined || magnitude * resolutionOf(exponent) < LARGEST_BIN;
  }

  /**
   * Adds the results of a run for which bins were asked with `exponent`, after `makeRoom`. Throws BoltqError
   * `invalid-data` for numbers that are not finite.
   */
  add(results: NamedTensors, exponent: number, example: string): void {
    const [minimum, maximum] = [this.#number(results, "minimum"), this.#number(results, "maximum")];
    if (!Number.isFinite(minimum) || !Number.isFinite(maximum)) throw notFinite(this.#outputs.name, example);
    this.#examples += 1;
    this.#minimum = Math.min(this.#minimum, minimum);
    this.#maximum = Math.max(this.#maximum, maximum);
    this.#sumOfMinima += exactly(minimum);
    this.#sumOfMaxima += exactly(maximum);
    const own = { example, magnitude: Math.max(-minimum, maximum), others: 0 };
    this.#peak = this.#peak === undefined ? own : mergePeaks(this.#peak, own);
    this.#numbers += this.#count(results);
    this.#addBins(results, exponent, minimum, maximum);
    this.#addSample(results);
    this.#addMoments(results, example);
    this.#addChannels(results, example);
  }

  result(): ValueObservations {
    const [magnitudes, sums] = [this.#magnitudes, this.#channelSums];
    return {
      examples: this.#examples,
      numbers: this.#numbers,
      minimum: this.#minimum,
      maximum: this.#maximum,
      sumOfMinima: this.#sumOfMinima,
      sumOfMaxima: this.#sumOfMaxima,
      peak: this.#peak,
      histogram: this.#histogram,
      moments: this.#outputs.sum === undefined ? undefined : { sum: this.#sum, sumOfSquares: this.#sumOfSquares },
      channels: magnitudes === undefined || sums === undefined ? undefined : { magnitudes, sums },
    };
  }

  #number(results: NamedTensors, output: "minimum" | "maximum"): number {
    return floats(results.get(this.#outputs[output])!)[0]!;
  }

  #count(results: NamedTensors): number {
    const { numbers } = this.#outputs;
    return typeof numbers === "number" ? numbers : Number(bigIntegers(results.get(numbers)!)[0]!);
  }

  #addBins(results: NamedTensors, exponent: number, minimum: number, maximum: number): void {
    const tensor = this.#outputs.bins === undefined ? undefined : results.get(this.#outputs.bins);
    if (tensor === undefined || this.#histogram === undefined) return;
    countBins(tensor.data);
    const { positive, negative } = this.#histogram;
    const shift = Math.min(this.#histogram.exponent - exponent, 15);
    const resolution = resolutionOf(exponent);
    const [last, first] = [
      Math.floor(Math.max(maximum, 0) * resolution),
      Math.floor(Math.max(-minimum, 0) * resolution),
    ];
    for (let bin = 0; bin <= last; bin++) positive[bin >> shift]! += takeCount(bin);
    for (let bin = 1; bin <= first; bin++) {
      const side = bin >> shift === 0 ? positive : negative;
      side[bin >> shift]! += takeCount(CODES - bin);
    }
  }

  #addSample(results: NamedTensors): void {
    const tensor = this.#outputs.sample === undefined ? undefined : results.get(this.#outputs.sample);
    if (tensor === undefined || this.#histogram === undefined) return;
    const resolution = resolutionOf(this.#histogram.exponent);
    const { positive, negative } = this.#histogram;
    for (const value of floats(tensor)) {
      const bin = Math.trunc(value * resolution);
      if (bin >= 0) positive[bin]!++;
      else negative[-bin]!++;
    }
  }

  #addMoments(results: NamedTensors, example: string): void {
    const { sum, sumOfSquares } = this.#outputs;
    if (sum === undefined || sumOfSquares === undefined) return;
    this.#sum += this.#exact(floats(results.get(sum)!)[0]!, example);
    this.#sumOfSquares += this.#exact(floats(results.get(sumOfSquares)!)[0]!, example);
  }

  #addChannels(results: NamedTensors, example: string): void {
    const { channelMagnitudes, channelMeans } = this.#outputs;
    if (channelMagnitudes === undefined || channelMeans === undefined) return;
    const [magnitudes, means] = [floats(results.get(channelMagnitudes)!), floats(results.get(channelMeans)!)];
    this.#magnitudes = Array.from(magnitudes, (most, index) => Math.max(most, this.#magnitudes?.[index] ?? 0));
    this.#channelSums = Array.from(
      means,
      (mean, index) => (this.#channelSums?.[index] ?? 0n) + this.#exact(mean, example),
    );
  }

  #exact(value: number, example: string): ExactSum {
    if (!Number.isFinite(value)) throw notFinite(this.#outputs.name, example);
    return exactly(value);
  }
}

/** Bins for a magnitude of 1: a power of two, so that products with it are exact. */
export function resolutionOf(exponent: number): number {
  return BINS / 2 ** exponent;
}

/** Codes of 16 bits; −n is the code 65536 − n. */
const CODES = 65536;

/**
 * Four tables of counts, one behind the other: where many numbers fall into one bin, a count need not wait for the one
 * before. All zero between uses: whoever reads a count takes it out.
 */
const COUNTS = new Int32Array(4 * CODES);

/** Counts 16-bit codes, which are read two at a time. */
function countBins(bytes: Uint8Array): void {
  const pairs = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  const counts = COUNTS;
  const whole = pairs.length & ~1;
  for (let index = 0; index < whole; index += 2) {
    const [one, other] = [pairs[index]!, pairs[index + 1]!];
    counts[one & 0xffff]!++;
    counts[CODES | (one >>> 16)]!++;
    counts[(2 * CODES) | (other & 0xffff)]!++;
    counts[(3 * CODES) | (other >>> 16)]!++;
  }
  const rest = new Uint16Array(bytes.buffer, bytes.byteOffset + 4 * whole, (bytes.length >> 1) - 2 * whole);
  for (const code of rest) counts[code]!++;
}

function takeCount(code: number): number {
  let sum = 0;
  for (let place = code; place < COUNTS.length; place += CODES) {
    sum += COUNTS[place]!;
    COUNTS[place] = 0;
  }
  return sum;
}

function floats({ data, shape }: DenseTensor): Float32Array {
  return new Float32Array(data.buffer, data.byteOffset, elementCount(shape));
}

function bigIntegers({ data, shape }: DenseTensor): BigInt64Array {
  return new BigInt64Array(data.buffer, data.byteOffset, elementCount(shape));
}

function notFinite(value: string, example: string): BoltqError {
  return new BoltqError("invalid-data", `the value "${value}" is infinite or no number for the example "${example}"`, {
    remedy: "Check the preprocessing, or leave the operator that computes it in float",
  });
}
