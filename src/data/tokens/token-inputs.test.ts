import { expect, it } from "vitest";
import { denseTensor, denseValues } from "../../graph/dense-values.ts";
import type { Dimension, ElementType } from "../../graph/tensor.ts";
import type { Signature } from "../../onnx/model.ts";
import { withTokenInputs } from "./token-inputs.ts";

const input = (name: string, type: ElementType, shape: readonly Dimension[]): Signature => ({
  name,
  type: { type, shape },
});

const tokens = (name: string) => input(name, "int64", ["batch", "sequence"]);

function filled(inputs: readonly Signature[], given: Readonly<Record<string, readonly (readonly number[])[]>>) {
  const example = Object.entries(given).map(
    ([name, rows]) => [name, denseTensor("int64", [rows.length, rows[0]!.length], rows.flat())] as const,
  );
  return [...withTokenInputs(new Map(example), inputs)].map(([name, tensor]) => [
    name,
    tensor.type,
    tensor.shape,
    Array.from(denseValues(tensor)),
  ]);
}

it("fills in what follows from the ids, an empty cache too, in the model's order", () => {
  const inputs = [
    tokens("attention_mask"),
    tokens("input_ids"),
    tokens("token_type_ids"),
    tokens("position_ids"),
    input("use_cache_branch", "bool", [1]),
    input("past_key_values.0.key", "float32", ["batch", 2, "past", 8]),
    input("other", "float32", [1]),
  ];
  expect(filled(inputs, { input_ids: [[7, 8, 9]] })).toEqual([
    ["attention_mask", "int64", [1, 3], [1, 1, 1]],
    ["input_ids", "int64", [1, 3], [7, 8, 9]],
    ["token_type_ids", "int64", [1, 3], [0, 0, 0]],
    ["position_ids", "int64", [1, 3], [0, 1, 2]],
    ["use_cache_branch", "bool", [1], [0]],
    ["past_key_values.0.key", "float32", [1, 2, 0, 8], []],
  ]);
});

it("leaves alone what is given, and counts no padding as a position", () => {
  const given = { input_ids: [[0, 7, 8]], attention_mask: [[0, 1, 1]] };
  expect(filled(["input_ids", "attention_mask", "position_ids"].map(tokens), given)).toEqual([
    ["input_ids", "int64", [1, 3], [0, 7, 8]],
    ["attention_mask", "int64", [1, 3], [0, 1, 1]],
    ["position_ids", "int64", [1, 3], [0, 0, 1]],
  ]);
});
