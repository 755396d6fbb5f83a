import type { Sample } from "../data/dataset.ts";
import { denseTensor, denseValues } from "../graph/dense-values.ts";
import type { Value } from "../graph/graph.ts";
import { type DenseTensor, elementCount } from "../graph/tensor.ts";
import { memoryTarget } from "../io/target.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { writeOnnx } from "../onnx/write.ts";
import { fitInputs } from "../runtime/fit-inputs.ts";
import type { NamedTensors, Runtime, Session, SessionOptions } from "../runtime/runtime.ts";
import { TensorError } from "../runtime/tensor-error.ts";
import type { LayerPair } from "./layer-pairs.ts";
import { disturbedAt, type OpenedModel, openedAt, type Ranks } from "./opened-model.ts";
import { type Quantizer, QuantizerNoise, quantizerOf } from "./quantizer-noise.ts";

/** What one operator of the second model adds to the error. Powers are sums of squares over all samples. */
export interface LayerLoss {
  readonly pair: LayerPair;
  /** Names of the value in both models. */
  readonly name: string;
  readonly otherName: string;
  /** Its own error in dB: what it gives for the inputs that the first model gives it. */
  readonly local: number;
  /** Power of what it should give, and of its own error. */
  readonly signal: number;
  readonly noise: number;
  /** How its output is stored, and what that does to the right numbers; undefined where it is not. */
  readonly quantizer: Quantizer | undefined;
  readonly output: QuantizerNoise;
  /** The same of the input that loses most by being stored for this operator alone. */
  readonly input: QuantizerNoise | undefined;
  /** The outputs of the first model in dB when this operator's own error is all that is wrong; undefined where not measured. */
  readonly effect: number | undefined;
}

export interface LossOptions {
  readonly runtime: Runtime;
  readonly threads: number;
  /** The error of each operator alone is carried to the outputs for so many operators. Default 24. */
  readonly carried?: number | undefined;
}

const MOST_CARRIED = 24;

/** Errors are carried on so many samples. */
const CARRIED_SAMPLES = 3;

/** Both models run without optimization, so that every value inside is what its operator says. */
const PLAIN: SessionOptions = { optimization: "none" };

interface Watched {
  readonly pair: LayerPair;
  readonly name: string;
  readonly otherName: string;
  readonly quantizer: Quantizer | undefined;
  readonly error: TensorError;
  readonly output: QuantizerNoise;
  readonly inputs: readonly WatchedInput[];
  signal: number;
  noise: number;
}

interface WatchedInput {
  /** Of the value in the first model, or of the second one's input. */
  readonly name: string;
  readonly quantizer: Quantizer;
  readonly noise: QuantizerNoise;
}

/**
 * Measures each operator's own error: the second model's operators get what the first model gives theirs, all in one run of each sample. The
 * own errors of the operators that lose most are then put into the first model one at a time.
 */
export class LayerLosses {
  readonly #watched: readonly Watched[];
  readonly #models: readonly [Uint8Array, Uint8Array];
  #opened: (OpenedModel & { readonly session: Session }) | undefined;
  readonly #options: LossOptions;
  /** The first samples, with the own errors of all operators. */
  readonly #kept: { readonly sample: Sample; readonly errors: ReadonlyMap<string, DenseTensor> }[] = [];

  private constructor(watched: readonly Watched[], models: readonly [Uint8Array, Uint8Array], options: LossOptions) {
    this.#watched = watched;
    this.#models = models;
    this.#options = options;
  }

  /** `isFloat` says whether both models give float32 numbers for a pair of names. */
  static async of(
    [first, second]: readonly [OnnxModel, OnnxModel],
    pairs: readonly LayerPair[],
    isFloat: (name: string, otherName: string) => boolean,
    options: LossOptions,
  ): Promise<LayerLosses> {
    return new LayerLosses(await watch(pairs, isFloat), [await bytesOf(first), await bytesOf(second)], options);
  }

  /** `first` and `second` are what the models gave, with all paired values. */
  async add(sample: Sample, first: NamedTensors, second: NamedTensors): Promise<void> {
    const { session, inputs } = await this.#open(second);
    const feeds = this.#feeds(sample, session, inputs, [first, second]);
    const found = await session.run(feeds);
    const errors = new Map<string, DenseTensor>();
    for (const watched of this.#watched) {
      const [expected, actual] = [first.get(watched.name), found.get(watched.otherName)];
      if (expected === undefined || actual === undefined || !watched.error.add(expected, actual)) continue;
      const error = difference(actual, expected);
      watched.noise += error.power;
      watched.output.add(denseValues(expected), watched.quantizer);
      for (const input of watched.inputs) {
        const values = first.get(input.name) ?? feeds.get(input.name);
        if (values !== undefined) input.noise.add(denseValues(values), input.quantizer);
      }
      if (this.#kept.length < CARRIED_SAMPLES) errors.set(watched.name, error.tensor);
    }
    if (this.#kept.length < CARRIED_SAMPLES) this.#kept.push({ sample, errors });
  }

  /** The operators in the order of the first model, and what their errors do to the outputs. */
  async results(): Promise<LayerLoss[]> {
    const losses = this.#watched.filter(({ error }) => error.summary().samples > 0);
    const carried = losses
      .filter(({ noise }) => noise > 0)
      .sort((one, other) => shareOf(other) - shareOf(one))
      .slice(0, this.#options.carried ?? MOST_CARRIED)
      .map(({ name }) => name);
    const effects = await this.#effects(carried);
    return losses.map(({ error, inputs, signal: _, ...watched }) => ({
      ...watched,
      signal: watched.output.power,
      local: error.summary().decibels,
      input: worstInput(inputs),
      effect: effects.get(watched.name),
    }));
  }

  async close(): Promise<void> {
    await this.#opened?.session.close();
  }

  /** Opened when it is known how many axes the values have. */
  async #open(second: NamedTensors): Promise<OpenedModel & { readonly session: Session }> {
    if (this.#opened !== undefined) return this.#opened;
    const ranks = ranksOf(
      this.#watched.map(({ otherName }) => otherName),
      second,
    );
    const { model, inputs } = await openedAt(this.#models[1], ranks);
    const { runtime, threads } = this.#options;
    const session = await runtime.createSession(await bytesOf(model), { ...PLAIN, threads, takeModel: true });
    this.#opened = { model, inputs, session };
    return this.#opened;
  }

  #feeds(
    { inputs }: Sample,
    session: Session,
    givenOf: ReadonlyMap<string, string>,
    [first, second]: readonly [NamedTensors, NamedTensors],
  ): Map<string, DenseTensor> {
    const givenNames = new Set(givenOf.values());
    const feeds = fitInputs(
      session.inputs.filter(({ name }) => !givenNames.has(name)),
      inputs,
    );
    for (const { name, otherName } of this.#watched) {
      const given = givenOf.get(otherName);
      const [value, twin] = [first.get(name), second.get(otherName)];
      if (given === undefined || twin === undefined) continue;
      const fits = value !== undefined && elementCount(value.shape) === elementCount(twin.shape);
      feeds.set(given, fits ? { ...value, shape: twin.shape } : twin);
    }
    return feeds;
  }

  async #effects(names: readonly string[]): Promise<Map<string, number>> {
    if (names.length === 0) return new Map();
    const { runtime, threads } = this.#options;
    const { model, inputs } = await disturbedAt(this.#models[0], ranksOf(names, this.#kept[0]!.errors));
    const session = await runtime.createSession(await bytesOf(model), { threads, takeModel: true });
    const errors = new Map(names.map((name) => [name, session.outputs.map(() => new TensorError())]));
    const given = new Map([...inputs].map(([name, input]) => [input, zeroOf(this.#kept[0]!.errors.get(name)!)]));
    const own = session.inputs.filter(({ name }) => !given.has(name));
    try {
      for (const { sample, errors: ownErrors } of this.#kept) {
        const still = new Map([...fitInputs(own, sample.inputs), ...given]);
        const expected = await session.run(still);
        for (const name of names) {
          const [error, input] = [ownErrors.get(name), inputs.get(name)];
          if (error === undefined || input === undefined) continue;
          const found = await session.run(new Map([...still, [input, error]]));
          errors.get(name)!.forEach((sum, index) => {
            const output = session.outputs[index]!.name;
            sum.add(expected.get(output)!, found.get(output)!);
          });
        }
      }
    } finally {
      await session.close();
    }
    return new Map([...errors].map(([name, sums]) => [name, worstOf(sums)]));
  }
}

/** Nothing, to be added to a tensor of as many axes. */
function zeroOf({ shape }: DenseTensor): DenseTensor {
  return denseTensor("float32", new Array<number>(shape.length).fill(1), [0]);
}

function ranksOf(names: readonly string[], tensors: NamedTensors): Ranks {
  return new Map(
    names.flatMap((name) => {
      const tensor = tensors.get(name);
      return tensor === undefined ? [] : [[name, tensor.shape.length] as const];
    }),
  );
}

function worstOf(errors: readonly TensorError[]): number {
  return Math.min(...errors.map((error) => error.summary().decibels));
}

function shareOf({ noise, output }: Watched): number {
  return noise / Math.max(output.power, Number.MIN_VALUE);
}

function worstInput(inputs: readonly WatchedInput[]): QuantizerNoise | undefined {
  const lost = ({ noise }: WatchedInput) => (noise.clipping + noise.rounding) / Math.max(noise.power, Number.MIN_VALUE);
  return inputs.toSorted((one, other) => lost(other) - lost(one))[0]?.noise;
}

async function watch(
  pairs: readonly LayerPair[],
  isFloat: (name: string, otherName: string) => boolean,
): Promise<Watched[]> {
  const nameOf = new Map(
    pairs.flatMap(({ values, names }) => values.map(([, twin], index) => [twin, names[index]![0]])),
  );
  const seen = new Set<string>();
  const watched: Watched[] = [];
  for (const pair of pairs) {
    const [value, names] = [pair.values[0], pair.names[0]];
    if (value === undefined || names === undefined || seen.has(names[0]) || !isFloat(...names)) continue;
    seen.add(names[0]);
    watched.push({
      pair,
      name: names[0],
      otherName: names[1],
      quantizer: await quantizerOf(value[1]),
      error: new TensorError(),
      output: new QuantizerNoise(),
      inputs: await watchedInputs(pair, nameOf),
      signal: 0,
      noise: 0,
    });
  }
  return watched;
}

/** Inputs that are stored between the value at the same place in both models and this operator. */
async function watchedInputs({ counterpart }: LayerPair, nameOf: ReadonlyMap<Value, string>): Promise<WatchedInput[]> {
  const found: WatchedInput[] = [];
  for (const input of counterpart.inputs) {
    const quantizer = nameOf.has(input as Value) ? undefined : await quantizerOf(input);
    const source = input?.producer?.inputs[0]?.producer?.inputs[0];
    if (quantizer === undefined || source === undefined) continue;
    const name = nameOf.get(source) ?? (source.producer === undefined ? source.name : undefined);
    if (name !== undefined) found.push({ name, quantizer, noise: new QuantizerNoise() });
  }
  return found;
}

function difference(
  actual: DenseTensor,
  expected: DenseTensor,
): { readonly tensor: DenseTensor; readonly power: number } {
  const [values, right] = [denseValues(actual), denseValues(expected)];
  const gaps = new Float32Array(right.length);
  let power = 0;
  for (let index = 0; index < gaps.length; index++) {
    const gap = values[index]! - right[index]!;
    if (!Number.isFinite(gap)) continue;
    gaps[index] = gap;
    power += gap * gap;
  }
  return { tensor: denseTensor("float32", expected.shape, gaps), power };
}

async function bytesOf(model: OnnxModel): Promise<Uint8Array> {
  const target = memoryTarget();
  await writeOnnx(model, target);
  return target.result();
}
