import { expect, it } from "vitest";
import { onnxModel } from "../../../../test/models/onnx-model.ts";
import { normalTensor } from "../../../../test/models/values.ts";
import type { Dataset, Sample } from "../../../data/dataset.ts";
import { denseTensor, denseValues } from "../../../graph/dense-values.ts";
import { withOtherWords } from "./other-words.ts";

const IDS = [1, 500, 501, 502, 2, 1, 600, 601, 602, 2];

const dataset: Dataset = {
  length: 1,
  names: ["text"],
  async *samples() {
    const inputs = new Map([
      ["input_ids", denseTensor("int64", [2, 5], IDS)],
      ["attention_mask", denseTensor("int64", [2, 5], new Array(10).fill(1))],
    ]);
    yield { name: "text", inputs };
  },
};

const reader = (words: number) =>
  onnxModel({
    inputs: { input_ids: { type: "int64", shape: [2, 5] }, attention_mask: { type: "int64", shape: [2, 5] } },
    constants: { words: normalTensor([words, 8]) },
    operators: [["Gather", ["words", "input_ids"], "y"]],
    outputs: ["y"],
  });

async function all(examples: Dataset): Promise<Sample[]> {
  const samples: Sample[] = [];
  for await (const sample of examples.samples()) samples.push(sample);
  return samples;
}

const idsOf = ({ inputs }: Sample) => Array.from(denseValues(inputs.get("input_ids")!), Number);

it("gives each text once more with other words between its ends, the same each time", async () => {
  const wider = withOtherWords(reader(1200), dataset);
  const samples = await all(wider);
  expect([wider.length, samples.length]).toEqual([2, 2]);
  expect(idsOf(samples[0]!)).toEqual(IDS);
  const others = idsOf(samples[1]!);
  for (const [place, id] of others.entries()) {
    if (IDS[place]! < 10) expect(id).toBe(IDS[place]);
    else expect(id).not.toBe(IDS[place]);
    expect(id).toBeLessThan(1200);
  }
  expect(samples[1]!.inputs.get("attention_mask")).toEqual(samples[0]!.inputs.get("attention_mask"));
  expect((await all(wider)).map(idsOf)).toEqual([IDS, others]);
});

it("leaves examples of models alone that look up few rows", () => {
  expect(withOtherWords(reader(900), dataset)).toBe(dataset);
});
