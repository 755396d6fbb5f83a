import type { Model } from "../convert/model-file.ts";
import { type Examples, samplesOf } from "../data/dataset.ts";
import { BoltqError } from "../io/error.ts";
import { fitInputs } from "../runtime/fit-inputs.ts";
import type { NamedTensors, Session } from "../runtime/runtime.ts";
import { TensorError, type TensorErrorSummary } from "../runtime/tensor-error.ts";
import { layerPairs, type NamePair } from "./layer-pairs.ts";
import { type OpenOptions, openSession } from "./open-session.ts";

/** What of two models is compared, and how they are run. */
export interface CompareOptions {
  /** What messages call the two models; default "first model" and "second model". */
  readonly names?: readonly [string, string];
  /** Compare also the values inside that both models name alike. Default false. */
  readonly layers?: boolean;
  /** Threads of each model; default 1. */
  readonly threads?: number;
  /** Samples on which both models are timed, one after the other in turns; default 20, 0: none. */
  readonly timedSamples?: number;
  readonly runtime?: OpenOptions["runtime"];
  /** Called for each example of a data set that cannot be read. */
  readonly onSkip?: (name: string, reason: string) => void;
  /** Called after each sample. */
  readonly onProgress?: (samples: number) => void;
  readonly signal?: AbortSignal;
}

/** The second model measured against the first. */
export interface TensorComparison extends TensorErrorSummary {
  /** The name in the first model; outputs are matched by name, or by place where the names differ. */
  readonly name: string;
  /** The name in the second model. */
  readonly otherName: string;
}

/** How two models differ on the same samples. */
export interface Comparison {
  readonly samples: number;
  readonly outputs: readonly TensorComparison[];
  /** In the order of the first model's graph; empty unless asked for. */
  readonly layers: readonly TensorComparison[];
  /** Names that both models have for values of different sizes (padded channels, say). */
  readonly unlikeLayers: readonly string[];
  /** Median milliseconds of a run of each model; undefined when not timed. */
  readonly milliseconds: readonly [number, number] | undefined;
}

const DEFAULT_TIMED_SAMPLES = 20;

/**
 * Runs two models on the same samples and says how far the second one's outputs are from the first one's. Throws
 * BoltqError `mismatch` when the models do not have the same outputs, `invalid-data` when there are no samples.
 */
export async function compareModels(
  reference: Model,
  other: Model,
  examples: Examples,
  options: CompareOptions = {},
): Promise<Comparison> {
  const { threads = 1, runtime, layers = false, names = ["first model", "second model"] } = options;
  const models = [reference, other] as const;
  const pairs = layers ? layerPairs(reference, other) : [];
  const opened: Session[] = [];
  const open = async (side: 0 | 1, inner: readonly string[]) => {
    const session = await openSession(models[side], { threads, runtime, layers: inner, name: names[side] });
    opened.push(session);
    return session;
  };
  try {
    const plain = [await open(0, []), await open(1, [])] as const;
    const inner = (side: 0 | 1) =>
      pairs.length === 0
        ? plain[side]
        : open(
            side,
            pairs.map((pair) => pair[side]),
          );
    const observed = [await inner(0), await inner(1)] as const;
    return await compareSessions({ plain, observed, pairs }, examples, options);
  } finally {
    await Promise.all(opened.map((session) => session.close()));
  }
}

type Pair = readonly [Session, Session];

/** Sessions of both models: with their own outputs alone, for timing, and with the layers to compare. */
interface Opened {
  readonly plain: Pair;
  readonly observed: Pair;
  readonly pairs: readonly NamePair[];
}

async function compareSessions(
  { plain, observed, pairs }: Opened,
  examples: Examples,
  { timedSamples = DEFAULT_TIMED_SAMPLES, onSkip, onProgress, signal }: CompareOptions,
): Promise<Comparison> {
  const outputs = new ErrorTable(matchOutputs(...plain));
  const inner = new ErrorTable(innerPairs(pairs, plain));
  const times = new Times();
  let count = 0;
  for await (const { inputs } of samplesOf(examples, onSkip)) {
    signal?.throwIfAborted();
    const feeds = observed.map((session) => fitInputs(session.inputs, inputs)) as [Feeds, Feeds];
    const [first, second] = await Promise.all([observed[0].run(feeds[0]), observed[1].run(feeds[1])]);
    outputs.add(first, second);
    inner.add(first, second);
    if (count < timedSamples) await times.measure(plain, feeds);
    count += 1;
    onProgress?.(count);
  }
  if (count === 0) throw noSamples();
  if (outputs.unlike().length > 0) throw unlikeOutputs(outputs.unlike());
  return {
    samples: count,
    outputs: outputs.comparisons(),
    layers: inner.comparisons(),
    unlikeLayers: inner.unlike(),
    milliseconds: times.medians(),
  };
}

type Feeds = ReturnType<typeof fitInputs>;

/** The errors of pairs of tensors. */
class ErrorTable {
  readonly #pairs: readonly NamePair[];
  readonly #errors: readonly TensorError[];
  readonly #unlike = new Set<string>();

  constructor(pairs: readonly NamePair[]) {
    this.#pairs = pairs;
    this.#errors = pairs.map(() => new TensorError());
  }

  add(first: NamedTensors, second: NamedTensors): void {
    this.#pairs.forEach(([name, otherName], index) => {
      const [reference, other] = [first.get(name), second.get(otherName)];
      if (reference === undefined || other === undefined) return;
      if (!this.#errors[index]!.add(reference, other)) this.#unlike.add(name);
    });
  }

  comparisons(): TensorComparison[] {
    return this.#pairs.flatMap(([name, otherName], index) => {
      const summary = this.#errors[index]!.summary();
      return summary.samples === 0 ? [] : [{ name, otherName, ...summary }];
    });
  }

  unlike(): string[] {
    return [...this.#unlike];
  }
}

/** Run times of two sessions, measured in turns so that what else the machine does hits both alike. */
class Times {
  readonly #taken: [number[], number[]] = [[], []];
  #warm = false;

  async measure(sessions: Pair, feeds: readonly [Feeds, Feeds]): Promise<void> {
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

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function matchOutputs(reference: Session, other: Session): NamePair[] {
  const [names, otherNames] = [reference, other].map((session) => session.outputs.map(({ name }) => name)) as [
    string[],
    string[],
  ];
  if (names.every((name) => otherNames.includes(name))) return names.map((name) => [name, name]);
  if (names.length === otherNames.length) return names.map((name, index) => [name, otherNames[index]!]);
  throw new BoltqError(
    "mismatch",
    `the models have ${names.length} and ${otherNames.length} outputs (${names.join(", ")}; ${otherNames.join(", ")})`,
    { remedy: "Compare models of the same network" },
  );
}

/** The pairs that are not outputs of both models. */
function innerPairs(pairs: readonly NamePair[], plain: Pair): NamePair[] {
  const [first, second] = plain.map((session) => new Set(session.outputs.map(({ name }) => name)));
  return pairs.filter(([name, otherName]) => !(first!.has(name) && second!.has(otherName)));
}

function unlikeOutputs(names: readonly string[]): BoltqError {
  return new BoltqError("mismatch", `the models give different numbers of elements for ${names.join(", ")}`, {
    remedy: "Compare models of the same network",
  });
}

function noSamples(): BoltqError {
  return new BoltqError("invalid-data", "there is no sample to run the models on", {
    remedy: "Give a folder with images or .npy files",
  });
}
