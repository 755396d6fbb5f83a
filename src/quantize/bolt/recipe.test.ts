import { describe, expect, it } from "vitest";
import {
  type BoltInference,
  type BoltStorage,
  computeType,
  isQuantizedInference,
  parseInference,
  parseStorage,
  precisionFor,
} from "./recipe.ts";

const NEWER = 20220831;
const OLDER = 20220126;

it.each<[BoltInference, boolean, string]>([
  ["FP32", false, "F32"],
  ["FP16", false, "F16"],
  ["INT8", true, "F32"],
  ["INT4", true, "F32"],
  ["INT8_FP16", true, "F16"],
  ["INT8_FP32", true, "F32"],
])("%s: computes in int8: %s, else in %s", (inference, quantized, type) => {
  expect(isQuantizedInference(inference)).toBe(quantized);
  expect(computeType(inference)).toBe(type);
});

it("reads words in any case, and says which there are", () => {
  expect(parseInference("int8_fp16")).toBe("INT8_FP16");
  expect(parseStorage("Mix")).toBe("MIX");
  expect(() => parseInference("int7")).toThrow(
    /inference precision \(-i\) "INT7".*Choose one of FP32, FP16, INT8, INT4/s,
  );
  expect(() => parseStorage("")).toThrow(/storage \(-q\) "".*NOQUANT, FP32/s);
});

describe("in files of Bolt 1.5", () => {
  it.each<[BoltInference | undefined, BoltStorage | undefined, object]>([
    [undefined, undefined, { inference: "INT8_FP16", storage: "MIX", suffix: "int8_q.bolt" }],
    ["FP32", undefined, { storage: "FP32", suffix: "f32.bolt" }],
    ["FP32", "NOQUANT", { storage: "NOQUANT", suffix: "f32.bolt" }],
    ["FP32", "FP16", { storage: "FP16", suffix: "f32_q.bolt" }],
    ["FP16", undefined, { storage: "FP16", suffix: "f16.bolt" }],
    ["FP16", "INT8", { storage: "INT8", suffix: "f16_q.bolt" }],
    ["INT8", undefined, { storage: "INT8", suffix: "int8_q.bolt" }],
    ["INT8_FP32", undefined, { storage: "MIX", suffix: "int8_q.bolt" }],
    ["INT8_FP32", "INT4", { storage: "INT4", suffix: "int8_q.bolt" }],
    ["INT4", undefined, { storage: "INT4", suffix: "int4_q.bolt" }],
  ])("%s, stored as %s", (inference, storage, expected) => {
    expect(precisionFor(NEWER, inference, storage)).toMatchObject({ rules: "1.5", ...expected });
  });
});

describe("in files of Bolt 1.3.0", () => {
  it.each<[BoltInference, BoltStorage | undefined, object]>([
    ["INT8", undefined, { inference: "INT8_FP16", storage: "NOQUANT", suffix: "int8_q.bolt" }],
    ["INT8_FP32", "FP32", { inference: "INT8_FP32", storage: "NOQUANT", suffix: "int8_q.bolt" }],
    ["FP32", "INT8", { inference: "FP32", storage: "INT8", suffix: "f32_q.bolt" }],
    ["FP16", undefined, { inference: "FP16", storage: "NOQUANT", suffix: "f16_q.bolt" }],
  ])("%s, stored as %s", (inference, storage, expected) => {
    expect(precisionFor(OLDER, inference, storage)).toEqual({ rules: "1.3.0", ...expected });
  });

  it.each<[BoltInference, BoltStorage | undefined, RegExp]>([
    ["INT4", undefined, /no 4-bit weights/],
    ["FP32", "INT4", /no 4-bit weights/],
    ["FP16", "FP32", /FP16 computes in float16/],
    ["INT8", "FP32", /INT8_FP16 computes in float16/],
  ])("refuses %s stored as %s", (inference, storage, message) => {
    expect(() => precisionFor(OLDER, inference, storage)).toThrow(message);
  });
});
