import { memorySource } from "../../../io/bytes.ts";
import type { OnnxModel } from "../../../onnx/model.ts";
import { readOnnx } from "../../../onnx/read.ts";
import type { Plan } from "../../plan.ts";
import { bytesOf, cutTo } from "../../refine/partial-model.ts";
import { applyPlan } from "../apply-plan.ts";

/** The part of the quantized model that gives what the operator reads, and what that is called. */
export async function quantizedInputModel(
  bytes: Uint8Array,
  plan: Plan,
  operator: string,
): Promise<{ readonly bytes: Uint8Array; readonly name: string }> {
  const model = await quantizedCopy(bytes, plan);
  const node = model.main.graph.nodes.find(({ name }) => name === operator)!;
  const value = node.input(0);
  return { bytes: await bytesOf(cutTo(model, [value])), name: value.name };
}

/** A copy of the float model, quantized. */
export async function quantizedCopy(bytes: Uint8Array, plan: Plan): Promise<OnnxModel> {
  const model = await readOnnx(memorySource(bytes));
  applyPlan(model, plan);
  return model;
}
