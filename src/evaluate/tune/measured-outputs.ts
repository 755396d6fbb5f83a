import type { Dataset, Sample } from "../../data/dataset.ts";
import { denseValues } from "../../graph/dense-values.ts";
import { BoltqError } from "../../io/error.ts";
import { fitInputs } from "../../runtime/fit-inputs.ts";
import type { NamedTensors, Session } from "../../runtime/runtime.ts";
import type { TuneMetric } from "./metrics.ts";

/** What a model gives on the examples. */
export interface Measured {
  readonly first: Sample;
  /** By example: what the metric keeps, and some of the outputs' numbers. */
  readonly kept: readonly Float32Array[];
  readonly sampled: readonly Float32Array[];
}

/** Of each example's outputs about so many numbers are kept. */
const SAMPLED = 2048;

function sampleOf(outputs: NamedTensors): Float32Array {
  const values = [...outputs.values()].map(denseValues);
  const step = Math.ceil(values.reduce((sum, { length }) => sum + length, 0) / SAMPLED);
  return Float32Array.from(values.flatMap((each) => Array.from(each).filter((_, index) => index % step === 0)));
}

/** Runs a model on all examples. Throws BoltqError `invalid-data` where there are none. */
export async function measureOutputs(session: Session, examples: Dataset, metric: TuneMetric): Promise<Measured> {
  const kept: Float32Array[] = [];
  const sampled: Float32Array[] = [];
  let first: Sample | undefined;
  for await (const sample of examples.samples()) {
    first ??= sample;
    const outputs = await session.run(fitInputs(session.inputs, sample.inputs));
    kept.push(metric.keep(sample, outputs));
    sampled.push(sampleOf(outputs));
  }
  if (first !== undefined) return { first, kept, sampled };
  throw new BoltqError("invalid-data", "there are no examples to tune on", {
    remedy: "Give a folder with pictures or arrays",
  });
}
