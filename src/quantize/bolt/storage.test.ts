import { describe, expect, it } from "vitest";
import { boltModel, boltOperator } from "../../../test/models/bolt-model.ts";
import { fullyConnected, network } from "../../../test/models/bolt-pass.ts";
import { type BoltInference, type BoltStorage, precisionFor } from "./recipe.ts";
import { headerType, recordTypes, requireFloatInput, storageOf } from "./storage.ts";

const VERSIONS = { older: 20220126, newer: 20220831 } as const;
type Age = keyof typeof VERSIONS;

const MODEL = boltModel(network([fullyConnected("x", "y", 16, 8)], { inputs: { x: [1, 16] } }));
const NODE = boltOperator(MODEL, "y");
const RECORD = MODEL.weights.of(NODE)!;

/** What the weight of an operator is stored as: when it computes in int8, and when in float. */
function stored(age: Age, inference: BoltInference, storage?: BoltStorage): string[] {
  const precision = precisionFor(VERSIONS[age], inference, storage);
  return [true, false].map((inInt8) => storageOf(RECORD, NODE, inInt8, precision).type);
}

describe("a weight is stored", () => {
  it.each<[Age, BoltInference, BoltStorage | undefined, string, string]>([
    ["newer", "FP32", undefined, "float32", "float32"],
    ["newer", "FP16", undefined, "float16", "float16"],
    ["newer", "FP16", "FP32", "float32", "float32"],
    ["newer", "FP32", "MIX", "int8", "int8"],
    ["newer", "INT8", undefined, "int8", "int8"],
    ["newer", "INT8_FP16", undefined, "int8", "float16"],
    ["newer", "INT8_FP32", undefined, "int8", "float32"],
    ["newer", "INT8_FP32", "FP16", "int8", "float16"],
    ["newer", "INT8_FP32", "INT4", "int4", "int8"],
    ["newer", "INT4", undefined, "int4", "int8"],
    ["newer", "INT8_FP16", "NOQUANT", "float16", "float16"],
    ["older", "INT8_FP16", undefined, "float16", "float16"],
    ["older", "INT8_FP32", "MIX", "int8", "float32"],
    ["older", "INT8_FP32", "INT8", "int8", "int8"],
    ["older", "FP32", "FP16", "float16", "float16"],
  ])(
    "in files of the %s kind, %s stored as %s: %s where it computes in int8, else %s",
    (age, inference, storage, ...types) => expect(stored(age, inference, storage)).toEqual(types),
  );

  it("as it is where it is made of integers; older files keep weights without operator in float", () => {
    const older = precisionFor(VERSIONS.older, "FP32", "INT8");
    expect(storageOf({ ...RECORD, dataType: "I32" }, NODE, true, older).type).toBe("integers");
    expect(storageOf(RECORD, undefined, false, older).type).toBe("float32");
  });
});

it.each<[Age, BoltInference, string]>([
  ["newer", "FP32", "F32"],
  ["newer", "FP16", "F16"],
  ["newer", "INT8", "I8"],
  ["newer", "INT4", "I4"],
  ["newer", "INT8_FP16", "F16_8Q"],
  ["newer", "INT8_FP32", "F32_8Q"],
  ["older", "INT8", "F16_8Q"],
  ["older", "INT8_FP32", "F32_8Q"],
  ["older", "FP16", "F16"],
])("the header of %s files for %s says %s", (age, inference, type) =>
  expect(headerType(precisionFor(VERSIONS[age], inference))).toBe(type),
);

describe("a record of a float operator", () => {
  const types = (age: Age, inference: BoltInference, type: "int8" | "int4" | "float16" | "float32", asBolt = false) =>
    recordTypes(RECORD, NODE, type, precisionFor(VERSIONS[age], inference), asBolt);

  it("names the type and its vector's", () => {
    expect(types("newer", "FP32", "float32")).toEqual({ weight: "F32", vector: "F32" });
    expect(types("newer", "FP16", "float16")).toEqual({ weight: "F16", vector: "F16" });
    expect(types("newer", "FP32", "int8")).toEqual({ weight: "F32_8Q", vector: "F32" });
    expect(types("newer", "FP16", "int8")).toEqual({ weight: "F16_8Q", vector: "F16" });
    expect(types("newer", "INT8_FP16", "int8")).toEqual({ weight: "F32_8Q", vector: "F32" });
    expect(types("newer", "INT4", "int4")).toEqual({ weight: "I4", vector: "F32" });
    expect(types("older", "INT8_FP16", "int8")).toEqual({ weight: "F16_8Q", vector: "F16" });
    expect(types("older", "FP16", "int8")).toEqual({ weight: "I8", vector: "F16" });
    expect(types("older", "FP16", "int8", true)).toEqual({ weight: "F16_8Q", vector: "F16" });
  });
});

it("weights that were stored before are refused, with the way out", () => {
  for (const dataType of ["F16", "I4", "F32_8Q", "BF16"] as const)
    expect(() => requireFloatInput({ ...RECORD, dataType })).toThrow(/"y".*of type \w+ already.*X2bolt -i PTQ/s);
  for (const dataType of ["F32", "I32", "U8"] as const)
    expect(() => requireFloatInput({ ...RECORD, dataType })).not.toThrow();
});
