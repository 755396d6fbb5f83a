import { memorySource } from "../../../io/bytes.ts";
import type { OnnxModel, OnnxValue } from "../../../onnx/model.ts";
import { readOnnx } from "../../../onnx/read.ts";
import { float32Of } from "../../../onnx/tensor-data.ts";
import type { Plan } from "../../plan.ts";
import { bytesOf, cutTo, type StartValue, startAt } from "../../refine/partial-model.ts";
import type { CodeGrid } from "../../refine/sample-places.ts";
import { applyPlan } from "../apply-plan.ts";

/** What an operator of a quantized model reads, as a model of its own. */
export interface QuantizedInput {
  readonly bytes: Uint8Array;
  /** The codes, or the value itself where it has none. */
  readonly name: string;
  /** What the codes stand for; undefined where there are none. */
  readonly grid: CodeGrid | undefined;
  /** Whether all behind can start at the codes: no others read the value as it was before. */
  readonly startsAll: boolean;
}

/** The part of the quantized model that gives what the operator reads; from the value `start` on where that is given. */
export async function quantizedInputModel(
  bytes: Uint8Array,
  plan: Plan,
  operator: string,
  start?: StartValue,
): Promise<QuantizedInput> {
  const model = await quantizedCopy(bytes, plan);
  const value = model.main.graph.nodes.find(({ name }) => name === operator)!.input(0);
  const codes = codesOf(value);
  // What is known already is no output of any operator.
  const isKnown = codes?.name === start?.name;
  const read = codes === undefined || isKnown ? value : codes;
  const grid = read === value ? undefined : await gridOf(value);
  const startsAll = read !== value && read.producer?.input(0).users.length === 1;
  if (start !== undefined) startAt(model, start);
  return { bytes: await bytesOf(cutTo(model, [read])), name: read.name, grid, startsAll };
}

function codesOf({ producer }: OnnxValue): OnnxValue | undefined {
  const codes = producer?.type === "DequantizeLinear" ? producer.input(0) : undefined;
  return codes?.producer?.type === "QuantizeLinear" ? codes : undefined;
}

async function gridOf({ producer }: OnnxValue): Promise<CodeGrid> {
  const [scale, zeroPoint] = await Promise.all(
    producer!.inputs.slice(1).map(async (value) => (await float32Of(value!.constant!))[0]!),
  );
  return { scale: scale!, zeroPoint: zeroPoint ?? 0 };
}

/** A copy of the float model, quantized. */
export async function quantizedCopy(bytes: Uint8Array, plan: Plan): Promise<OnnxModel> {
  const model = await readOnnx(memorySource(bytes));
  applyPlan(model, plan);
  return model;
}
