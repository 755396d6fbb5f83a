import type { Dataset, Sample } from "../../data/dataset.ts";

/** Examples are kept in memory between trials up to so many bytes. */
const MOST_KEPT_BYTES = 1 << 28;

/** The examples, read once where they fit into memory. */
export async function keptInMemory(dataset: Dataset): Promise<Dataset> {
  const samples: Sample[] = [];
  let bytes = 0;
  for await (const sample of dataset.samples()) {
    samples.push(sample);
    for (const { data } of sample.inputs.values()) bytes += data.byteLength;
    if (bytes > MOST_KEPT_BYTES) return dataset;
  }
  return {
    length: samples.length,
    names: samples.map(({ name }) => name),
    async *samples() {
      yield* samples;
    },
  };
}
