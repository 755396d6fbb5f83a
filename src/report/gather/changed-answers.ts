import type { Sample } from "../../data/dataset.ts";
import { denseValues } from "../../graph/dense-values.ts";
import type { DenseTensor } from "../../graph/tensor.ts";
import type { NamedTensors } from "../../runtime/runtime.ts";
import type { ReportExample, ReportExamples } from "../html/report-data.ts";

/** Makes a small picture of an example: a data: URL, or undefined where it is no picture. */
export type Thumbnail = (sample: Sample) => string | undefined | Promise<string | undefined>;

const MOST_SHOWN = 24;

/** Gathers the examples for which two classifiers name different classes. */
export class ChangedAnswers {
  readonly #thumbnail: Thumbnail;
  readonly #shown: Promise<ReportExample>[] = [];
  #compared = 0;
  #changed = 0;

  constructor(thumbnail: Thumbnail) {
    this.#thumbnail = thumbnail;
  }

  /** For `compareModels`. */
  readonly add = (sample: Sample, first: NamedTensors, second: NamedTensors): void => {
    const [answer, otherAnswer] = [answerOf(first), answerOf(second)];
    if (answer === undefined || otherAnswer === undefined) return;
    this.#compared += 1;
    if (answer === otherAnswer) return;
    this.#changed += 1;
    if (this.#shown.length >= MOST_SHOWN) return;
    this.#shown.push(this.#example(sample, [`class ${answer}`, `class ${otherAnswer}`]));
  };

  async #example(sample: Sample, answers: ReportExample["answers"]): Promise<ReportExample> {
    return { name: sample.name, answers, picture: await this.#thumbnail(sample) };
  }

  /** Undefined where nothing was a classifier's answer. */
  async result(): Promise<ReportExamples | undefined> {
    if (this.#compared === 0) return undefined;
    return { compared: this.#compared, changed: this.#changed, shown: await Promise.all(this.#shown) };
  }
}

/** The place of the highest score of one example; undefined where the first output is no row of scores. */
function answerOf(outputs: NamedTensors): number | undefined {
  const [scores] = outputs.values();
  if (scores === undefined || !isRow(scores)) return undefined;
  const values = denseValues(scores);
  let best = 0;
  for (let place = 1; place < values.length; place++) if (values[place]! > values[best]!) best = place;
  return best;
}

function isRow({ shape }: DenseTensor): boolean {
  return shape.filter((size) => size !== 1).length === 1;
}
