import { expect, it } from "vitest";
import { denseTensor, denseValues } from "../graph/dense-values.ts";
import type { Dimension } from "../graph/tensor.ts";
import type { Signature } from "../onnx/model.ts";
import { batchSize, joinExamples, ofOneExample } from "./batch.ts";

const input = (...shape: Dimension[]): Signature => ({ name: "x", type: { type: "float32", shape } });

it("the batch is the fixed first dimension that all inputs share", () => {
  expect(batchSize([input(4, 3)])).toBe(4);
  expect(batchSize([input(4, 3), input(4, "n", 2)])).toBe(4);
  expect(batchSize([input(4, 3), input(2, 3)])).toBe(1);
  expect(batchSize([input(4, 3), input("n", 3)])).toBe(1);
  expect(batchSize([input(4, 3), input(4)])).toBe(1);
  expect(batchSize([input(1, 3)])).toBe(1);
  expect(batchSize([input(undefined, 3)])).toBe(1);
  expect(batchSize([{ name: "x", type: undefined }])).toBe(1);
});

it("an input of one example keeps its other dimensions", () => {
  expect(ofOneExample(input(4, 3, "n"))).toEqual(input(1, 3, "n"));
  expect(ofOneExample({ name: "x", type: undefined })).toEqual({ name: "x", type: undefined });
});

it("examples are joined along the first dimension, input by input", () => {
  const example = (...values: number[]) =>
    new Map([
      ["x", denseTensor("float32", [1, 2], values)],
      ["ids", denseTensor("int64", [1, 1], [values[0]!])],
    ]);
  const joined = joinExamples([example(1, 2), example(3, 4), example(5, 6)]);
  expect([...joined].map(([name, { type, shape }]) => [name, type, shape])).toEqual([
    ["x", "float32", [3, 2]],
    ["ids", "int64", [3, 1]],
  ]);
  expect([...joined.values()].map((tensor) => Array.from(denseValues(tensor)))).toEqual([
    [1, 2, 3, 4, 5, 6],
    [1, 3, 5],
  ]);
  const single = example(1, 2);
  expect(joinExamples([single])).toBe(single);
});

it("examples of other shapes are refused", () => {
  const example = (length: number) => new Map([["x", denseTensor("float32", [1, length], new Array(length).fill(0))]]);
  expect(() => joinExamples([example(2), example(3)])).toThrow("examples of 1x2 and 1x3 make no batch");
});
