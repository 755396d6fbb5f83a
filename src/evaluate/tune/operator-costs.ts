import { modelInputs } from "../../convert/model-inputs.ts";
import { type Dataset, firstSamples, type Sample } from "../../data/dataset.ts";
import { memorySource } from "../../io/bytes.ts";
import type { OnnxModel } from "../../onnx/model.ts";
import { readOnnx } from "../../onnx/read.ts";
import { isFusedActivation, roleOf } from "../../quantize/onnx/operator-roles.ts";
import { prepareForQuantization } from "../../quantize/onnx/prepare.ts";
import type { QuantizedOnnx } from "../../quantize/onnx/quantize-onnx.ts";
import type { Plan } from "../../quantize/plan.ts";
import { bytesOf } from "../../quantize/refine/partial-model.ts";
import { fitInputs } from "../../runtime/fit-inputs.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { compareModels } from "../compare.ts";
import { operatorTimes, type TimedOperator } from "./operator-times.ts";

/** What one operator costs in int8, and what int8 saves there. */
export interface OperatorCost {
  readonly name: string;
  /** Power of the outputs' error when this operator's own error is all that is wrong, as a share of the outputs' power. */
  readonly noise: number;
  /** Milliseconds alone; undefined where it could not be cut out. */
  readonly float: number | undefined;
  readonly int8: number | undefined;
  /** Bytes that its weight takes less in int8. */
  readonly bytes: number;
}

/** Effects of operators' errors are measured on so many examples. */
const SENSITIVITY_EXAMPLES = 2;

/** What operators' costs are measured with. */
export interface CostOptions {
  readonly examples: Dataset;
  /** The one that operators are timed on. */
  readonly first: Sample;
  readonly runtime: Runtime;
}

/** Measures each operator of the float model `bytes` that `quantized` has in int8: what its error does to the outputs, and its time in both. */
export async function measureCosts(
  bytes: Uint8Array,
  { model, plan }: QuantizedOnnx,
  options: CostOptions,
): Promise<OperatorCost[]> {
  const prepared = await readOnnx(memorySource(bytes));
  await prepareForQuantization(prepared);
  const operators = candidates(prepared, plan);
  const noises = await noisesOf(prepared, model, options);
  const files = { float: await bytesOf(prepared), int8: await bytesOf(model) };
  const feeds = fitInputs(modelInputs(prepared), options.first.inputs);
  const times = await operatorTimes(files, operators, feeds, options.runtime);
  const weights = new Map(plan.weights.map((weight) => [weight.operator, weight.name]));
  const sizes = new Map(prepared.main.initializers.map(({ name, constant }) => [name, constant?.data.length ?? 0]));
  return operators.map(({ name, activation }) => ({
    name,
    noise: (noises.get(name) ?? 0) + (noises.get(activation ?? "") ?? 0),
    float: times.get(name)?.float,
    int8: times.get(name)?.int8,
    bytes: 0.75 * (sizes.get(weights.get(name) ?? "") ?? 0),
  }));
}

async function noisesOf(
  float: OnnxModel,
  int8: OnnxModel,
  { examples, runtime }: CostOptions,
): Promise<Map<string, number>> {
  const { inner } = await compareModels(float, int8, firstSamples(examples, SENSITIVITY_EXAMPLES), {
    layers: true,
    carried: Number.POSITIVE_INFINITY,
    timedSamples: 0,
    runtime,
  });
  return new Map(
    inner!.losses.map(({ operator, effect }) => [operator, effect === undefined ? 0 : 10 ** (-effect / 10)]),
  );
}

/** Operators in int8 that are worth a decision of their own: activations and what moves numbers go with those before them. */
function candidates({ main }: OnnxModel, { operators }: Plan): TimedOperator[] {
  const int8 = new Set(operators.filter(({ precision }) => precision === "int8").map(({ name }) => name));
  return main.graph.nodes.flatMap((node): TimedOperator[] => {
    const role = roleOf(node);
    if (!int8.has(node.name) || role === undefined || role === "pass") return [];
    const [reader, ...others] = node.output().users;
    const fused = reader !== undefined && others.length === 0 && isFusedActivation(reader) && int8.has(reader.name);
    return [{ name: node.name, activation: fused ? reader.name : undefined }];
  });
}
