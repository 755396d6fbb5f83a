import { memorySource } from "../../../io/bytes.ts";
import type { OnnxModel } from "../../../onnx/model.ts";
import { readOnnx } from "../../../onnx/read.ts";
import type { Plan } from "../../plan.ts";
import { bytesOf, cutTo, type StartValue, startAt } from "../../refine/partial-model.ts";
import { applyPlan } from "../apply-plan.ts";

/** What an operator of a quantized model reads, as a model of its own. */
export interface QuantizedInput {
  readonly bytes: Uint8Array;
  /** The value in real numbers. */
  readonly name: string;
  /** The same as codes, which are a quarter of that; undefined where others read the value as it was before. */
  readonly codes: string | undefined;
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
  const dequantizer = value.producer;
  const read = dequantizer?.type === "DequantizeLinear" ? dequantizer.input(0) : undefined;
  const codes = read?.name !== start?.name && read?.producer?.input(0).users.length === 1 ? read : undefined;
  if (start !== undefined) startAt(model, start);
  const part = await bytesOf(cutTo(model, codes === undefined ? [value] : [value, codes]));
  return { bytes: part, name: value.name, codes: codes?.name };
}

/** A copy of the float model, quantized. */
export async function quantizedCopy(bytes: Uint8Array, plan: Plan): Promise<OnnxModel> {
  const model = await readOnnx(memorySource(bytes));
  applyPlan(model, plan);
  return model;
}
