import { expect, it } from "vitest";
import { denseTensor } from "../graph/dense-values.ts";
import { TextTally } from "./text-agreement.ts";

const text = (ids: readonly number[], mask: readonly number[]) => ({
  name: "text",
  inputs: new Map([
    ["input_ids", denseTensor("int64", [1, ids.length], ids)],
    ["attention_mask", denseTensor("int64", [1, mask.length], mask)],
  ]),
});

const floats = (name: string, shape: readonly number[], values: readonly number[]) =>
  new Map([[name, denseTensor("float32", shape, values)]]);

it("averages hidden states over tokens, not padding, before it takes the cosine", () => {
  const tally = new TextTally();
  const states = (...values: readonly number[]) => floats("last_hidden_state", [1, 3, 2], values);
  const sample = text([5, 6, 0], [1, 1, 0]);
  tally.add(sample, states(1, 0, 3, 0, 9, 9), states(0, 2, 0, 2, 7, 7)); // (2, 0) against (0, 2)
  tally.add(sample, states(1, 1, 1, 1, 0, 0), states(2, 2, 2, 2, 5, 5));
  expect(tally.summary()).toEqual({
    embeddings: {
      cosine: expect.closeTo(0.5, 12),
      leastCosine: 0,
      decibels: expect.closeTo(10 * Math.log10(6 / 10), 9),
    },
    tokens: undefined,
  });
});

it("counts the words foretold alike, and how surprised both are by the next token", () => {
  const tally = new TextTally();
  const sample = text([0, 1, 1, 0], [1, 1, 1, 0]);
  const outputs = (values: readonly number[]) =>
    new Map([...floats("logits", [1, 4, 2], values), ...floats("present.0.key", [1], [0])]);
  const [half, quarter] = [Math.log(0.5), Math.log(0.25)];
  const reference = outputs([half, half, quarter, Math.log(0.75), 5, 1, 0, 9]);
  const model = outputs([Math.log(0.75), quarter, Math.log(0.75), quarter, 5, 1, 9, 0]);
  tally.add(sample, reference, model);
  expect(tally.summary()).toEqual({
    embeddings: undefined,
    tokens: {
      count: 3,
      agreeing: expect.closeTo(2 / 3, 12),
      perplexity: [expect.closeTo((0.5 * 0.75) ** -0.5, 6), expect.closeTo(4, 6)],
    },
  });
});

it("gives the perplexity of one model alone, and nothing of what is no text", () => {
  const tally = new TextTally();
  const sample = text([0, 0], [1, 1]);
  tally.add(sample, undefined, floats("scores", [3], [1, 2, 3]));
  expect(tally.summary()).toBeUndefined();
  const logits = new Map([...floats("logits", [1, 2, 2], [0, 0, 0, 0]), ...floats("present.0.key", [1], [0])]);
  tally.add(sample, undefined, logits);
  expect(tally.summary()?.tokens).toEqual({
    count: 2,
    agreeing: undefined,
    perplexity: [undefined, expect.closeTo(2, 9)],
  });
});
