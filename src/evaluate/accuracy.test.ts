import { describe, expect, it } from "vitest";
import { onnxModel } from "../../test/models/onnx-model.ts";
import type { Sample } from "../data/dataset.ts";
import { denseTensor } from "../graph/dense-values.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { floatTensor } from "../onnx/tensor-data.ts";
import { evaluateModel } from "./accuracy.ts";

/** A "network" whose scores are its input, put through one operator. */
function classifier(operator: string, classes = 6, inputs: readonly string[] = ["x"]): OnnxModel {
  return onnxModel({
    inputs: { x: [1, classes] },
    constants: { one: floatTensor([1], [1]) },
    operators: [[operator, inputs, "scores"]],
    outputs: ["scores"],
  });
}

async function* samples(...scores: readonly (readonly number[])[]): AsyncGenerator<Sample> {
  for (const [index, values] of scores.entries()) {
    yield { name: `${index}`, inputs: new Map([["x", denseTensor("float32", [1, values.length], values)]]) };
  }
}

const labels = (...classes: readonly number[]) =>
  new Map(classes.map((label, index): [string, number] => [`${index}`, label]));

const RISING = [1, 2, 3, 4, 5, 6];
const FALLING = [6, 5, 4, 3, 2, 1];

describe("evaluating a classifier", () => {
  it("counts the right class among the first and the first five", async () => {
    const result = await evaluateModel(classifier("Identity"), samples(RISING, RISING, RISING, FALLING), {
      labels: labels(5, 1, 0),
    });
    expect(result).toEqual({
      samples: 4,
      labelled: 3,
      undecided: 0,
      top1: 1 / 3,
      top5: 2 / 3,
      agreement: undefined,
      decibels: undefined,
    });
  });

  it("takes the first of equal scores, and adds the offset to labels", async () => {
    const equal = samples([1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]);
    expect(await evaluateModel(classifier("Identity"), equal, { labels: labels(0, 1) })).toMatchObject({
      top1: 0.5,
      top5: 1,
    });
    const offset = await evaluateModel(classifier("Identity"), samples(RISING), { labels: labels(4), labelOffset: 1 });
    expect(offset.top1).toBe(1);
  });

  it("measures agreement with the reference and the error of the scores", async () => {
    const reference = classifier("Identity");
    const same = await evaluateModel(classifier("Abs"), samples(RISING, [-9, 1, 2, 3, 4, 5]), { reference });
    expect(same.agreement).toBe(0.5);
    expect(same.decibels).toBeCloseTo(10 * Math.log10((91 + 136) / 18 ** 2), 4);
    const equal = await evaluateModel(classifier("Abs"), samples(RISING, FALLING), { reference });
    expect(equal).toMatchObject({ agreement: 1, decibels: Number.POSITIVE_INFINITY, top1: undefined, top5: undefined });
  });

  it("counts NaN and infinite scores as wrong and as no agreement", async () => {
    const log = classifier("Log");
    const given = () => samples([-1, -1, -1, -1, -1, -1], [5, 4, 3, 2, 1, -1], RISING);
    const options = { reference: classifier("Identity"), labels: labels(0, 0, 5) };
    const result = await evaluateModel(log, given(), options);
    expect(result).toMatchObject({ undecided: 2, top1: 1 / 3, top5: 1 / 3, agreement: 1 / 3 });
    expect(result.decibels).toBe(Number.NEGATIVE_INFINITY);
    const infinite = await evaluateModel(classifier("Reciprocal", 3), samples([0, 1, 2]), { labels: labels(0) });
    expect(infinite).toMatchObject({ undecided: 1, top1: 0, top5: 0 });
    const masked = await evaluateModel(log, samples([0, 1, 2, 3, 4, 5]), { labels: labels(5) });
    expect(masked).toMatchObject({ undecided: 0, top1: 1 });
  });

  it("refuses what cannot be measured", async () => {
    const model = classifier("Identity");
    await expect(evaluateModel(model, samples())).rejects.toMatchObject({ code: "invalid-data" });
    await expect(evaluateModel(model, samples(RISING), { labels: labels(6) })).rejects.toThrow(
      "there is a label 6, but the model knows 6 classes",
    );
    const other = onnxModel({
      inputs: { x: [1, 6] },
      operators: [["Concat", ["x", "x"], "scores", { axis: 1 }]],
      outputs: ["scores"],
    });
    await expect(evaluateModel(other, samples(RISING), { reference: model })).rejects.toThrow(
      "the model gives [1, 12], and the reference [1, 6]",
    );
  });

  it("tells of its progress", async () => {
    const seen: number[] = [];
    await evaluateModel(classifier("Identity"), samples(RISING, RISING), { onProgress: (done) => seen.push(done) });
    expect(seen).toEqual([1, 2]);
  });
});
