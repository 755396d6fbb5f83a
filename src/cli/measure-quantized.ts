import type { Dataset } from "../data/dataset.ts";
import { type Comparison, compareModels } from "../evaluate/compare.ts";
import { openModel } from "./model-argument.ts";

/** What a quantized file gives against the float model, on examples. */
export interface Measured {
  /** Of the first output, in dB. */
  readonly decibels: number;
  /** Of embeddings of texts where the model gives such, else of the first output. */
  readonly cosine: number;
  /** Share of the words foretold alike; undefined for models that foretell none. */
  readonly agreeing: number | undefined;
  /** Median milliseconds of a run, of the float model and of this. */
  readonly milliseconds: readonly [number, number];
}

const TIMED_SAMPLES = 20;

/** Runs both files on the same examples. */
export async function measureQuantized(float: string, quantized: string, dataset: Dataset): Promise<Measured> {
  const [reference, other] = [await openModel(float), await openModel(quantized)];
  const comparison = await compareModels(reference, other, dataset, {
    names: [float, quantized],
    timedSamples: TIMED_SAMPLES,
  });
  return measured(comparison);
}

function measured({ outputs, text, milliseconds = [Number.NaN, Number.NaN] }: Comparison): Measured {
  const [first] = outputs;
  return {
    decibels: first?.decibels ?? Number.NaN,
    cosine: text?.embeddings?.cosine ?? first?.cosine ?? Number.NaN,
    agreeing: text?.tokens?.agreeing,
    milliseconds,
  };
}
