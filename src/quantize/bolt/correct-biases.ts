import { floatBytes } from "../../bolt/lazy-floats.ts";
import type { BoltModel, BoltNode, BoltValue, BoltWeight } from "../../bolt/model.ts";
import { readVectorValues, readWeightValues } from "../../bolt/weight-values.ts";
import { narrowToFloat16 } from "../../graph/float16.ts";
import { memoryBytes } from "../../io/bytes.ts";
import { int8Operators, valueBeforeQuantizing } from "./static-scales.ts";

const LARGEST_LEVEL = 127;

/** The values whose channels' means `correctBiases` needs. */
export function valuesToAverage(model: BoltModel): BoltValue[] {
  return [...new Set(correctable(model).map((node) => valueBeforeQuantizing(node.input(0))))];
}

/**
 * Takes the mean error that rounding the weights makes in each output channel out of the biases: Σ (w − rounded w) · mean of
 * the input's channel. `float` is the same network before quantization. Operators whose means are unknown, or that have no
 * bias, stay as they are.
 */
export async function correctBiases(
  model: BoltModel,
  float: BoltModel,
  meansOf: (value: BoltValue) => readonly number[] | undefined,
): Promise<void> {
  for (const node of correctable(model)) {
    const [record, source] = [model.weights.of(node)!, float.weights.of(node)];
    const means = meansOf(valueBeforeQuantizing(node.input(0)));
    if (source?.dataType !== "F32" || means === undefined) continue;
    const errors = await meanErrors(node, await readWeightValues(source), record, means);
    if (errors !== undefined) await addToVector(record, errors);
  }
}

function correctable(model: BoltModel): BoltNode[] {
  return int8Operators(model).filter(
    (node) => (node.type === "Conv" || node.type === "FC") && (model.weights.of(node)?.vector.length ?? 0) > 0,
  );
}

/** By output channel; undefined where weight and means do not fit together. */
async function meanErrors(
  { type, data: { parameters } }: BoltNode,
  weight: Float32Array,
  record: BoltWeight,
  means: readonly number[],
): Promise<Float64Array | undefined> {
  const outputs = parameters.number("num_outputs");
  const groups = type === "Conv" ? parameters.number("group") : 1;
  const perOutput = weight.length / outputs;
  const kernel = (perOutput * groups) / means.length;
  if (!Number.isInteger(kernel) || kernel < 1 || !Number.isInteger(outputs / groups)) return undefined;
  const rounded = record.dataType === "I8" ? await readWeightValues(record) : roundedOnLoading(weight);
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

/** Weights stored as floats are made int8 by the engine. */
function roundedOnLoading(weight: Float32Array): Float32Array {
  let largest = 0;
  for (const value of weight) largest = Math.max(largest, Math.abs(value));
  const scale = largest === 0 ? 1 : Math.fround(LARGEST_LEVEL / largest);
  return weight.map((value) => Math.round(value * scale) / scale);
}

async function addToVector(record: BoltWeight, errors: Float64Array): Promise<void> {
  const half = record.vector.length === 2 * errors.length;
  if (!half && record.vector.length !== 4 * errors.length) return;
  const biases = await readVectorValues(record, half ? "F16" : "F32");
  const corrected = biases.map((bias, output) => bias + errors[output]!);
  record.vector = half ? halfBytes(corrected) : floatBytes(corrected);
}

function halfBytes(values: Float32Array): BoltWeight["vector"] {
  const narrow = new Uint16Array(values.length);
  narrowToFloat16(values, narrow);
  return memoryBytes(new Uint8Array(narrow.buffer));
}
