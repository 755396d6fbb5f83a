import type { Model } from "../convert/model-file.ts";
import { type Examples, type Sample, samplesOf } from "../data/dataset.ts";
import type { Labels } from "../data/labels.ts";
import { denseValues } from "../graph/dense-values.ts";
import type { DenseTensor } from "../graph/tensor.ts";
import { BoltqError } from "../io/error.ts";
import { fitInputs } from "../runtime/fit-inputs.ts";
import type { NamedTensors } from "../runtime/runtime.ts";
import { TensorError } from "../runtime/tensor-error.ts";
import { type OpenOptions, openSession } from "./open-session.ts";
import type { TextAgreement } from "./text-agreement.ts";

/** What a classifier is measured against, and how it is run. */
export interface EvaluateOptions {
  /** The float model that agreement and error are measured against. */
  readonly reference?: Model | undefined;
  /** Right classes by sample name; samples without one do not count for accuracy. */
  readonly labels?: Labels | undefined;
  /** Added to a label to get the class's place in the output: 1 where place 0 is "background". Default 0. */
  readonly labelOffset?: number | undefined;
  /** Default 1. */
  readonly threads?: number | undefined;
  readonly runtime?: OpenOptions["runtime"];
  /** Called for each example of a data set that cannot be read. */
  readonly onSkip?: (name: string, reason: string) => void;
  /** Called after each sample. */
  readonly onProgress?: (samples: number) => void;
  /** Called with each sample and the outputs of the reference and of the model, where there is a reference. */
  readonly onSample?: ((sample: Sample, reference: NamedTensors, outputs: NamedTensors) => void) | undefined;
}

/** What was measured of a classifier. */
export interface Evaluation {
  readonly samples: number;
  /** Samples with a label. */
  readonly labelled: number;
  /** Samples whose scores are not all numbers, so that no class is the highest: they are right for no label. */
  readonly undecided: number;
  /** Shares of labelled samples whose class is the highest, or among the five highest; undefined without labels. */
  readonly top1: number | undefined;
  readonly top5: number | undefined;
  /** Share of samples for which model and reference name the same class; undefined without a reference. */
  readonly agreement: number | undefined;
  /** Signal-to-noise ratio of the output against the reference's, in dB; undefined without a reference. */
  readonly decibels: number | undefined;
  /** Of models of text: perplexity, and how far embeddings or words agree with the reference's; undefined for others. */
  readonly text: TextAgreement | undefined;
}

/**
 * Measures a classifier: its first output holds a score per class. Throws `invalid-data` when there are no samples,
 * `mismatch` when a label or the reference does not fit the scores.
 */
export async function evaluateModel(
  model: Model,
  examples: Examples,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const { reference, labels, labelOffset = 0, threads = 1, runtime, onProgress } = options;
  const session = await openSession(model, { threads, runtime });
  const other = reference === undefined ? undefined : await openSession(reference, { threads, runtime });
  const error = new TensorError();
  const { isText, TextTally } = await import("./text-agreement.ts");
  const texts = new TextTally();
  const counts = { samples: 0, labelled: 0, top1: 0, top5: 0, undecided: 0 };
  try {
    for await (const sample of samplesOf(examples, options.onSkip)) {
      const outputs = await session.run(fitInputs(session.inputs, sample.inputs));
      const output = firstOutput(outputs);
      const scores = denseValues(output);
      const label = labels?.get(sample.name);
      if (label !== undefined) {
        const place = rankOf(scores, label + labelOffset);
        counts.labelled++;
        if (place < 1) counts.top1++;
        if (place < 5) counts.top5++;
      }
      if (!hasBest(scores)) counts.undecided++;
      if (other === undefined && isText(sample)) texts.add(sample, undefined, outputs);
      if (other !== undefined) {
        const references = await other.run(fitInputs(other.inputs, sample.inputs));
        const expected = firstOutput(references);
        if (isText(sample)) texts.add(sample, references, outputs);
        options.onSample?.(sample, references, outputs);
        if (!error.add(expected, output)) throw unlikeScores(expected, output);
      }
      counts.samples++;
      onProgress?.(counts.samples);
    }
  } finally {
    await session.close();
    await other?.close();
  }
  if (counts.samples === 0) throw new BoltqError("invalid-data", "there are no samples to measure on");
  const share = (count: number, of: number) => (of === 0 ? undefined : count / of);
  return {
    samples: counts.samples,
    labelled: counts.labelled,
    undecided: counts.undecided,
    top1: share(counts.top1, counts.labelled),
    top5: share(counts.top5, counts.labelled),
    agreement: other === undefined ? undefined : error.summary().equalArgMax,
    decibels: other === undefined ? undefined : error.summary().decibels,
    text: texts.summary(),
  };
}

function firstOutput(outputs: ReadonlyMap<string, DenseTensor>): DenseTensor {
  const [first] = outputs.values();
  if (first !== undefined) return first;
  throw new BoltqError("invalid-graph", "the model has no output");
}

function unlikeScores(expected: DenseTensor, output: DenseTensor): BoltqError {
  const shapes = [output, expected].map(({ shape }) => `[${shape.join(", ")}]`);
  return new BoltqError("mismatch", `the model gives ${shapes.join(", and the reference ")}`, {
    remedy: "Give the float model of the same network as reference",
  });
}

/** Whether all scores can be put in order: none is NaN or +∞. */
function hasBest(scores: ArrayLike<number>): boolean {
  return !Array.prototype.some.call(scores, (score: number) => !(score < Number.POSITIVE_INFINITY));
}

/** How many classes have a higher score than this one, or the same and come before it; infinite where no class is the best. */
function rankOf(scores: ArrayLike<number>, label: number): number {
  const own = scores[label];
  if (own === undefined)
    throw new BoltqError("mismatch", `there is a label ${label}, but the model knows ${scores.length} classes`);
  if (!hasBest(scores)) return Number.POSITIVE_INFINITY;
  let rank = 0;
  for (let index = 0; index < scores.length; index++) {
    if (scores[index]! > own || (scores[index] === own && index < label)) rank++;
  }
  return rank;
}
