import { QMAX, scaleOfClip, stepOfScale } from "../../bolt/label.ts";
import type { BoltModel, BoltNode, BoltValue } from "../../bolt/model.ts";
import { readVectorValues, readWeightValues } from "../../bolt/weight-values.ts";
import type { FloatBiasPlan, Plan } from "../plan.ts";
import { int8Operators } from "./int8-tensors.ts";

/** The values whose channels' means `correctedBiases` needs. */
export function valuesToAverage(model: BoltModel, plan: Plan): BoltValue[] {
  return [...new Set(correctable(model, plan).map((node) => node.input(0)))];
}

/**
 * Biases without the mean error that rounding the weights makes in each output channel: Σ (w − rounded w) · mean of the
 * input's channel. Operators whose means are unknown, or that have no bias, are left out.
 */
export async function correctedBiases(
  model: BoltModel,
  plan: Plan,
  meansOf: (value: BoltValue) => readonly number[] | undefined,
): Promise<FloatBiasPlan[]> {
  const types = new Map(plan.weights.map(({ operator, type }) => [operator, type]));
  const corrected: FloatBiasPlan[] = [];
  for (const node of correctable(model, plan)) {
    const means = meansOf(node.input(0));
    const record = model.weights.of(node)!;
    if (record.dataType !== "F32" || means === undefined) continue;
    const qmax = types.get(record.operator) === "int4" ? QMAX.int4 : QMAX.int8;
    const errors = meanErrors(node, await readWeightValues(record), qmax, means);
    const biases = await readVectorValues(record, "F32");
    if (errors?.length !== biases.length) continue;
    const values = Array.from(biases, (bias, output) => Math.fround(bias + errors[output]!));
    corrected.push({ type: "float32", operator: record.operator, values });
  }
  return corrected;
}

function correctable(model: BoltModel, plan: Plan): BoltNode[] {
  return int8Operators(model, plan).filter(
    (node) => (node.type === "Conv" || node.type === "FC") && (model.weights.of(node)?.vector.length ?? 0) > 0,
  );
}

/** By output channel; undefined where weight and means do not fit together. */
function meanErrors(
  { type, data: { parameters } }: BoltNode,
  weight: Float32Array,
  qmax: number,
  means: readonly number[],
): Float64Array | undefined {
  const outputs = parameters.number("num_outputs");
  const groups = type === "Conv" ? parameters.number("group") : 1;
  const perOutput = weight.length / outputs;
  const kernel = (perOutput * groups) / means.length;
  if (!Number.isInteger(kernel) || kernel < 1 || !Number.isInteger(outputs / groups)) return undefined;
  const rounded = roundedWeight(weight, qmax);
  const errors = new Float64Array(outputs);
  for (let output = 0; output < outputs; output++) {
    const firstChannel = Math.floor(output / (outputs / groups)) * (means.length / groups);
    for (let index = 0; index < perOutput; index++) {
      const place = output * perOutput + index;
      errors[output]! += (weight[place]! - rounded[place]!) * means[firstChannel + Math.floor(index / kernel)]!;
    }
  }
  return errors;
}

/** The numbers that a weight's levels stand for; float weights of int8 operators are made levels by the engine. */
function roundedWeight(weight: Float32Array, qmax: number): Float32Array {
  let largest = 0;
  for (const value of weight) largest = Math.max(largest, Math.abs(value));
  const scale = largest === 0 ? 1 : scaleOfClip(largest, qmax);
  return weight.map((value) => Math.round(value * scale) * stepOfScale(scale));
}
