import { basename } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { EVALUATORS } from "../src/onnx/evaluation/index.ts";
import { Inference } from "../src/onnx/inference.ts";
import type { OnnxTensor, OnnxValue } from "../src/onnx/model.ts";
import { SHAPE_RULES } from "../src/onnx/shape-rules/index.ts";
import { numbersOf } from "../src/onnx/tensor-data.ts";
import { describeWithTestdata, openTestdataCase, testdataCases } from "./onnx-testdata.ts";

/** Operators whose sizes depend on data that is not looked at: these alone may leave sizes open when all inputs are known. */
const OPEN_SIZES = new Set("Compress Loop NonMaxSuppression Unique".split(" "));

/** Cases whose elements stay unknown though the operator is calculated elsewhere, and why. */
const NOT_CALCULATED: Readonly<Record<string, RegExp>> = {
  "strings are no numbers": /cast(like)?_(FLOAT_to_STRING|STRING_to_FLOAT)/i,
  "one-hot along an inner axis": /onehot_with_/,
  "a reduction while scattering": /scatternd_(add|multiply)/,
};

interface Outcome {
  readonly name: string;
  readonly value: OnnxValue;
  readonly expected: OnnxTensor;
  readonly inference: Inference;
}

/** Infers a case from its inputs' types alone, or from their data. What the model states of its values is taken away. */
async function outcomesOf(folder: string, withData: boolean): Promise<Outcome[]> {
  const { model, inputs, outputs } = await openTestdataCase(folder);
  const { graph } = model.main;
  if (withData) {
    for (const [input, tensor] of inputs) input.constant = tensor;
    graph.inputs = graph.inputs.filter(({ constant }) => constant === undefined);
  }
  for (const node of graph.nodes) for (const output of node.outputs) output.type = undefined;
  const isConstant = ({ constant }: OnnxValue) => constant !== undefined;
  const inference = new Inference(model, { inputShapes: {}, mostElements: 2 ** 20, isConstant });
  await inference.run();
  return [...outputs].map(([value, expected]) => ({ name: basename(folder), value, expected, inference }));
}

/** What is wrong about an inferred type; open dimensions are not. */
function typeError({ name, value: { type }, expected }: Outcome): string | undefined {
  if (type === undefined) return undefined;
  const wrongSize = type.shape?.some((size, axis) => typeof size === "number" && size !== expected.shape[axis]);
  const fits = type.type === expected.type && (type.shape?.length ?? expected.shape.length) === expected.shape.length;
  return fits && !wrongSize
    ? undefined
    : `${name}: ${type.type}[${type.shape}] instead of ${expected.type}[${expected.shape}]`;
}

/** The cases' references are as inexact as float32 arithmetic in another order; bfloat16 is cut off in them, not rounded. */
const TOLERANCE: Readonly<Record<string, number>> = { bfloat16: 2 ** -7 };
const USUAL_TOLERANCE = 1e-4;

async function valueError({ name, value, expected, inference }: Outcome): Promise<string | undefined> {
  const { values } = inference.known.get(value) ?? { values: [] };
  if (values.length === 0) return undefined;
  const wanted = await numbersOf(expected);
  const tolerance = TOLERANCE[expected.type] ?? USUAL_TOLERANCE;
  const wrong = values.findIndex((actual, index) => {
    const want = wanted[index]!;
    if (typeof actual !== "number" || Object.is(actual, want) || actual === want) return false;
    return !(Math.abs(actual - want) <= tolerance * Math.max(1, Math.abs(want)));
  });
  return wrong < 0 ? undefined : `${name}: element ${wrong} is ${values[wrong]} instead of ${wanted[wrong]}`;
}

describeWithTestdata("shape inference and constant folding on ONNX's own cases", () => {
  const outcomes = { fromTypes: [] as Outcome[], fromData: [] as Outcome[] };

  beforeAll(async () => {
    for (const folder of testdataCases()) {
      outcomes.fromTypes.push(...(await outcomesOf(folder, false)));
      outcomes.fromData.push(...(await outcomesOf(folder, true)));
    }
  }, 120_000);

  it("infers no wrong type, from the inputs' types alone or their data", () => {
    const all = [...outcomes.fromTypes, ...outcomes.fromData];
    expect(all.map(typeError).filter((error) => error !== undefined)).toEqual([]);
    expect(all.filter(({ value }) => value.type !== undefined).length).toBeGreaterThan(2000);
  });

  it("knows every size when all inputs are known, where an operator has a rule", () => {
    const open = outcomes.fromData.filter(({ value: { producer, type } }) => {
      const isKnown = type?.shape?.every((size) => typeof size === "number") ?? false;
      return !isKnown && producer !== undefined && Object.hasOwn(SHAPE_RULES, producer.type);
    });
    const unexpected = open.filter(({ value }) => !OPEN_SIZES.has(value.producer!.type));
    expect(unexpected.map(({ name }) => name)).toEqual([]);
  });

  it("calculates every element right, where an operator is calculated", async () => {
    const wrong: string[] = [];
    const other: string[] = [];
    for (const outcome of outcomes.fromData) {
      const { name, value, inference } = outcome;
      const error = await valueError(outcome);
      if (error !== undefined) wrong.push(error);
      const isKnown = inference.known.get(value)?.values.every((element) => element !== undefined) ?? false;
      const isListed = Object.values(NOT_CALCULATED).some((pattern) => pattern.test(name));
      if (isKnown === isListed && isSingle(outcome)) other.push(`${name} is ${isKnown ? "" : "not "}calculated`);
    }
    expect(wrong).toEqual([]);
    expect(other).toEqual([]);
  });
});

/** Whether the case is one operator that has an evaluator. */
function isSingle({ value: { producer } }: Outcome): boolean {
  if (producer === undefined || !Object.hasOwn(EVALUATORS, producer.type)) return false;
  return producer.inputs.every((input) => input?.producer === undefined);
}
