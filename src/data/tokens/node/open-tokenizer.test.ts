import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { denseValues } from "../../../graph/dense-values.ts";
import type { Dimension } from "../../../graph/tensor.ts";
import { openDataset } from "../../node/open-dataset.ts";
import { preset } from "../../preprocess/specification.ts";
import { openTokenizer, tokenizerBeside } from "./open-tokenizer.ts";

const WORDS = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "the", "cat", "sat", "on", "mat"];

/** Words at spaces, between [CLS] and [SEP]. */
const TOKENIZER = {
  version: "1.0",
  added_tokens: WORDS.slice(0, 4).map((content, id) => ({ id, content, special: true, normalized: false })),
  normalizer: { type: "Lowercase" },
  pre_tokenizer: { type: "Whitespace" },
  post_processor: {
    type: "TemplateProcessing",
    single: ["[CLS]", "A", "[SEP]"].map((id) =>
      id === "A" ? { Sequence: { id, type_id: 0 } } : { SpecialToken: { id, type_id: 0 } },
    ),
    pair: [],
    special_tokens: Object.fromEntries(
      ["[CLS]", "[SEP]"].map((id) => [id, { id, ids: [WORDS.indexOf(id)], tokens: [id] }]),
    ),
  },
  decoder: null,
  model: { type: "WordLevel", vocab: Object.fromEntries(WORDS.map((word, id) => [word, id])), unk_token: "[UNK]" },
};

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "boltq-tokens-"));
  mkdirSync(join(root, "onnx"));
  writeFileSync(join(root, "tokenizer.json"), JSON.stringify(TOKENIZER));
  writeFileSync(join(root, "tokenizer_config.json"), '{"model_max_length": 6}');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const beside = () => tokenizerBeside(join(root, "onnx", "model.onnx"))!;

it("gives the ids of texts, cut to what the model takes with the last special token kept", async () => {
  const tokenize = await openTokenizer(beside());
  expect(tokenize("The cat sat")).toEqual([1, 4, 5, 6, 2]);
  expect(tokenize("The mat sat on the mat")).toEqual([1, 4, 8, 6, 7, 2]);
  expect(tokenize("the cat sat", 3)).toEqual([1, 4, 2]);
});

async function examples(name: string, text: string, length: Dimension = "sequence") {
  const path = join(root, name);
  writeFileSync(path, text);
  const inputs = ["input_ids", "attention_mask"].map((input) => ({
    name: input,
    type: { type: "int64", shape: ["batch", length] } as const,
  }));
  const options = { preprocessing: preset("raw"), openTokenizer: () => openTokenizer(beside()) };
  const dataset = await openDataset(path, inputs, options);
  const samples: number[][][] = [];
  for await (const sample of dataset.samples()) {
    samples.push([...sample.inputs.values()].map((tensor) => Array.from(denseValues(tensor))));
  }
  return samples;
}

it("reads texts, one a line, and lists of texts and ids, each as long as it is", async () => {
  expect(await examples("t.txt", "the cat\n\nthe cat sat\n")).toEqual([
    [
      [1, 4, 5, 2],
      [1, 1, 1, 1],
    ],
    [
      [1, 4, 5, 6, 2],
      [1, 1, 1, 1, 1],
    ],
  ]);
  expect(await examples("t.jsonl", '{"text": "mat"}\n{"input_ids": [4, 5]}\n')).toEqual([
    [
      [1, 8, 2],
      [1, 1, 1],
    ],
    [
      [4, 5],
      [1, 1],
    ],
  ]);
});

it("pads what a model of a fixed length takes", async () => {
  expect(await examples("t.jsonl", '{"text": "the cat sat on the mat"}\n{"input_ids": [4, 5]}', 4)).toEqual([
    [
      [1, 4, 5, 2],
      [1, 1, 1, 1],
    ],
    [
      [4, 5, 0, 0],
      [1, 1, 0, 0],
    ],
  ]);
});

it("says what is wrong with a tokenizer and with texts", async () => {
  await expect(openTokenizer(join(root, "onnx"))).rejects.toThrow(
    "there is no such file. Give the model's tokenizer.json",
  );
  const other = join(root, "other.json");
  writeFileSync(other, '{"model": {"type": "Nothing"}}');
  await expect(openTokenizer(other)).rejects.toThrow(
    `${other}: this is no tokenizer that @huggingface/tokenizers can read`,
  );
  await expect(examples("t.jsonl", '{"text": 3}')).rejects.toThrow('t.jsonl, line 1: "text" must be a text');
});
