import { firstSamples, type Sample } from "../../../src/data/dataset.ts";
import type { Image } from "../../../src/data/image/image.ts";
import { showInput, tile } from "../../../src/data/preprocess/preview.ts";
import type { Preprocessing } from "../../../src/data/preprocess/specification.ts";
import { denseValues } from "../../../src/graph/dense-values.ts";
import { BoltqError } from "../../../src/io/error.ts";
import { openExamples } from "./examples.ts";
import type { PreviewJob, Say } from "./job.ts";
import { openModel } from "./open-model.ts";
import { pngOf } from "./picture.ts";

const SHOWN_EXAMPLES = 6;

/** Shows what the network sees of the first examples. */
export async function preview({ files, examples, pictures }: PreviewJob, say: Say): Promise<void> {
  const dataset = await openExamples(await openModel(files), examples, pictures);
  const samples: Sample[] = [];
  for await (const sample of firstSamples(dataset, SHOWN_EXAMPLES)) samples.push(sample);
  if (samples.length === 0) throw new BoltqError("invalid-data", "none of the examples can be read");
  const images = samples.flatMap((sample) => imageOf(sample, pictures.preprocessing) ?? []);
  const range = rangeOf(samples[0]!);
  const picture = images.length === 0 ? undefined : await pngOf(tile(images));
  say({ kind: "seen", seen: { picture, range, examples: dataset.length } });
}

/** The picture that an example's input shows; undefined where it is none. */
export function imageOf({ inputs }: Sample, preprocessing: Preprocessing): Image | undefined {
  const input = [...inputs.values()].find(({ shape }) => shape.length >= 3);
  if (input === undefined) return undefined;
  try {
    return showInput(input, preprocessing);
  } catch (error) {
    if (error instanceof BoltqError) return undefined; // arrays that are no pictures
    throw error;
  }
}

function rangeOf({ inputs }: Sample): [number, number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const input of inputs.values()) {
    const values = input.type.startsWith("float") ? denseValues(input) : [];
    for (let index = 0; index < values.length; index++) {
      least = Math.min(least, values[index]!);
      most = Math.max(most, values[index]!);
    }
  }
  return [least, most];
}
