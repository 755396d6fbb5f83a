import type { Model } from "../convert/model-file.ts";
import { type Examples, type Sample, samplesOf } from "../data/dataset.ts";
import { BoltqError } from "../io/error.ts";
import { fitInputs } from "../runtime/fit-inputs.ts";
import type { NamedTensors, Session } from "../runtime/runtime.ts";
import type { InnerComparison, InsideTables } from "./compare-inside.ts";
import { ErrorTable, type TensorComparison } from "./error-table.ts";
import type { NamePair } from "./layer-pairs.ts";
import { type OpenOptions, openSession } from "./open-session.ts";
import type { TextAgreement } from "./text-agreement.ts";
import { Times } from "./times.ts";

/** What of two models is compared, and how they are run. */
export interface CompareOptions {
  /** What messages call the two models; default "first model" and "second model". */
  readonly names?: readonly [string, string];
  /** Compare also the values inside, paired by their place in both graphs; say where and why the second model loses. Default false. */
  readonly layers?: boolean;
  /** With `layers`: for so many operators it is measured what their own error does to the outputs; default 24. */
  readonly carried?: number | undefined;
  /** Threads of each model; default 1. */
  readonly threads?: number;
  /** Samples on which both models are timed, one after the other in turns; default 20, 0: none. */
  readonly timedSamples?: number;
  readonly runtime?: OpenOptions["runtime"];
  /** Called for each example of a data set that cannot be read. */
  readonly onSkip?: (name: string, reason: string) => void;
  /** Called after each sample. */
  readonly onProgress?: (samples: number) => void;
  /** Called with each sample and the outputs of both models. */
  readonly onSample?: ((sample: Sample, first: NamedTensors, second: NamedTensors) => void) | undefined;
  readonly signal?: AbortSignal;
}

/** How two models differ on the same samples. */
export interface Comparison {
  readonly samples: number;
  readonly outputs: readonly TensorComparison[];
  /** In the order of the first model's graph; empty unless asked for. Both models run without optimization for these. */
  readonly layers: readonly TensorComparison[];
  /** Where the second model loses, and why; undefined unless layers were asked for. */
  readonly inner: InnerComparison | undefined;
  /** Names of values at one place that are of different sizes (padded channels, say). */
  readonly unlikeLayers: readonly string[];
  /** Of models of text: how far embeddings or words agree; undefined for others. */
  readonly text: TextAgreement | undefined;
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
  const opened: { close(): Promise<void> }[] = [];
  const open = async (side: 0 | 1, inner: OpenOptions = {}) => {
    const session = await openSession(models[side], { threads, runtime, name: names[side], ...inner });
    opened.push(session);
    return session;
  };
  try {
    const plain = [await open(0), await open(1)] as const;
    matchOutputs(...plain);
    const inside = layers ? await openInside(models, plain, open, options) : undefined;
    if (inside !== undefined) opened.push(inside);
    return await compareSessions({ plain, inside }, examples, options);
  } finally {
    await Promise.all(opened.map((session) => session.close()));
  }
}

type Pair = readonly [Session, Session];

/** Sessions of both models as they are used, and what is needed to look inside. */
interface Opened {
  readonly plain: Pair;
  readonly inside: InsideTables | undefined;
}

/** Loaded when it is asked for: a page that compares outputs alone need not have it. */
async function openInside(...[models, plain, open, options]: Parameters<typeof InsideTables.open>) {
  const { InsideTables: Tables } = await import("./compare-inside.ts");
  return Tables.open(models, plain, open, options);
}

async function compareSessions(
  { plain, inside }: Opened,
  examples: Examples,
  { timedSamples = DEFAULT_TIMED_SAMPLES, onSkip, onProgress, onSample, signal }: CompareOptions,
): Promise<Comparison> {
  const outputs = new ErrorTable(matchOutputs(...plain));
  const times = new Times();
  const { isText, TextTally } = await import("./text-agreement.ts");
  const texts = new TextTally();
  let count = 0;
  for await (const sample of samplesOf(examples, onSkip)) {
    signal?.throwIfAborted();
    const feeds = plain.map((session) => fitInputs(session.inputs, sample.inputs)) as [Feeds, Feeds];
    const [first, second] = await Promise.all([plain[0].run(feeds[0]), plain[1].run(feeds[1])]);
    outputs.add(first, second);
    if (isText(sample)) texts.add(sample, first, second);
    onSample?.(sample, first, second);
    await inside?.add(sample, feeds, second);
    if (count < timedSamples) await times.measure(plain, feeds);
    count += 1;
    onProgress?.(count);
  }
  if (count === 0) throw noSamples();
  if (outputs.unlike().length > 0) throw unlikeOutputs(outputs.unlike());
  return {
    samples: count,
    outputs: outputs.comparisons(),
    layers: inside?.layers.comparisons() ?? [],
    inner: await inside?.summary(),
    unlikeLayers: inside?.layers.unlike() ?? [],
    text: texts.summary(),
    milliseconds: times.medians(),
  };
}

type Feeds = ReturnType<typeof fitInputs>;

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
