import * as v from "valibot";
import { METHOD_NEEDS } from "../calibrate/find-range.ts";
import type { RangeMethod } from "../calibrate/range.ts";
import { fields, finiteNumber, oneOf, parseAs, type Schema, text } from "../io/schema.ts";
import { INFERENCES, STORAGES } from "./bolt/recipe.ts";
import type { Plan, WarningKind } from "./plan.ts";

const onOrOff = v.boolean("true or false");
const numbers = v.array(finiteNumber, "a list of numbers");
const positive = v.custom<number>((value) => Number.isFinite(value) && (value as number) > 0, "a positive number");
const share = v.exactOptional(finiteNumber);
const listOf = <Item>(item: Schema<Item>) => v.array(item, "a list");

const OPERATOR = fields({
  name: text,
  type: text,
  precision: oneOf("int8", "float16", "float"),
  label: v.exactOptional(oneOf("float", "int8", "int8-to-float", "float-around")),
  static: v.exactOptional(onOrOff),
  reason: text,
});

const VALUE = fields({
  name: text,
  operator: v.exactOptional(text),
  made: onOrOff,
  type: oneOf("uint8", "int8"),
  scale: positive,
  zeroPoint: finiteNumber,
  granularity: oneOf("per-tensor"),
  low: finiteNumber,
  high: finiteNumber,
  method: oneOf("table", ...(Object.keys(METHOD_NEEDS) as RangeMethod[])),
  clipped: share,
  zeroed: share,
  reason: text,
});

/** Codes stand in the file as base64. */
const CODES = v.pipe(
  text,
  v.base64("numbers in base64"),
  v.transform((encoded) => Int8Array.from(atob(encoded), (byte) => byte.charCodeAt(0))),
);

const WEIGHT = fields({
  operator: text,
  name: text,
  type: oneOf("int8", "uint8", "int4", "uint4", "nf4", "float16", "float32", "integers"),
  form: v.exactOptional(
    oneOf("dynamic-int8", "matmul-blocks", "matmul-nf4", "gather-blocks", "gather-rows", "float16", "cast"),
  ),
  block: v.exactOptional(oneOf(16, 32, 64, 128, 256)),
  symmetric: v.exactOptional(onOrOff),
  scales: numbers,
  codes: v.exactOptional(CODES),
  inputFactors: v.exactOptional(v.array(positive, "a list of positive numbers")),
  clip: v.exactOptional(positive),
  axis: finiteNumber,
  granularity: oneOf("per-channel", "per-tensor"),
  method: text,
  largest: positive,
  reason: text,
});

const INTEGER_BIAS = fields({
  type: oneOf("int32"),
  operator: text,
  name: v.exactOptional(text),
  scales: v.array(positive, "a list of positive numbers"),
  codes: numbers,
});

const FLOAT_BIAS = fields({ type: oneOf("float32"), operator: text, values: numbers });

const factors = v.exactOptional(v.array(positive, "a list of positive numbers"));
const CHANNEL_SCALING = fields({ operator: text, made: factors, read: factors });

const INPUT_SCALING = fields({
  input: text,
  operators: listOf(text),
  factors: v.array(positive, "a list of positive numbers"),
});

const WARNING = fields({ kind: text, subject: text, problem: text, remedy: text });

const PLAN = fields({
  format: oneOf("onnx", "bolt"),
  bolt: v.exactOptional(
    fields({
      inference: oneOf(...INFERENCES),
      storage: oneOf(...STORAGES),
      fuseBatchNorm: onOrOff,
      asBolt: onOrOff,
    }),
  ),
  channelScalings: v.exactOptional(listOf(CHANNEL_SCALING)),
  inputScalings: v.exactOptional(listOf(INPUT_SCALING)),
  operators: listOf(OPERATOR),
  values: listOf(VALUE),
  weights: listOf(WEIGHT),
  biases: v.array(
    v.union([INTEGER_BIAS, FLOAT_BIAS], "a bias: of type int32 with codes, or float32 with values"),
    "a list",
  ),
  warnings: listOf(WARNING),
  notes: v.array(text, "a list of texts"),
});

/** A plan from JSON, as `printPlanFile` writes it. Throws BoltqError `format` that names the field that is wrong. */
export function parsePlan(json: string, file: string): Plan {
  const { biases, values, warnings, ...rest } = parseAs(PLAN, json, {
    file,
    what: "a plan",
    remedy: "Make one with --dry-run --json, see docs/recipes.md",
  });
  return {
    ...rest,
    values: values.map((value) => ({ ...value, clipped: value.clipped, zeroed: value.zeroed })),
    biases: biases.map((bias) => (bias.type === "int32" ? { ...bias, name: bias.name } : bias)),
    warnings: warnings.map((warning) => ({ ...warning, kind: warning.kind as WarningKind })),
  };
}

/** The JSON of a plan: to be read, edited and given back. */
export function printPlanFile(plan: Plan): string {
  return `${JSON.stringify(plan, (_, value) => (value instanceof Int8Array ? base64(value) : value), 2)}\n`;
}

const PIECE = 1 << 12;

function base64(codes: Int8Array): string {
  let bytes = "";
  for (let start = 0; start < codes.length; start += PIECE)
    bytes += String.fromCharCode(...Uint8Array.from(codes.subarray(start, start + PIECE)));
  return btoa(bytes);
}
