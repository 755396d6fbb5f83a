import { QMAX } from "../../../bolt/label.ts";
import type { BoltWeight } from "../../../bolt/model.ts";
import { readVectorValues, readWeightValues } from "../../../bolt/weight-values.ts";
import { raiseToOnnx } from "../../../convert/bolt-to-onnx/index.ts";
import type { Sample } from "../../../data/dataset.ts";
import { denseTensor, denseValues } from "../../../graph/dense-values.ts";
import type { OnnxModel } from "../../../onnx/model.ts";
import type { Runtime } from "../../../runtime/runtime.ts";
import { layoutOf, limitsBehind } from "../../onnx/refine/refinable-layers.ts";
import type { Plan, WeightPlan } from "../../plan.ts";
import type { ActivationLimits } from "../../refine/fit-bias.ts";
import { fitGroups, joinedCodes, SHARES } from "../../refine/fit-groups.ts";
import type { FittedPart } from "../../refine/fit-layer.ts";
import { bytesOf, cutTo, modelThatGives } from "../../refine/partial-model.ts";
import { type InputModel, walkLayers } from "../../refine/walk-layers.ts";
import type { WalkedLayer } from "../../refine/walked-layer.ts";
import type { RepeatablyPrepared } from "./prepared-copies.ts";
import { productOf, raisedLayers } from "./raised-layers.ts";

export interface FitBoltOptions {
  readonly runtime: Runtime;
  /** Let biases change. Default true. */
  readonly fitBiases?: boolean | undefined;
  readonly onProgress?: ((layers: number, all: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A Conv or FC whose weight is stored in int8 or int4, whatever it computes in. */
interface BoltLayer extends WalkedLayer {
  readonly record: BoltWeight;
  readonly weight: WeightPlan;
  readonly limits: ActivationLimits;
}

/**
 * Fits weights and biases of a planned network, layer by layer: each to the inputs that the network quantized so far gives it,
 * so that its outputs are those of the float network. Codes and scales of weights, and biases, come into the plan.
 */
export async function fitBoltLayers(
  { prepared, quantized }: RepeatablyPrepared,
  plan: Plan,
  examples: readonly Sample[],
  { fitBiases = true, ...options }: FitBoltOptions,
): Promise<Plan> {
  const raised = await raiseToOnnx(prepared.model);
  const bytes = await bytesOf(raised);
  const layers = await boltLayers(raised, prepared.model, plan);
  let fitted = plan;
  await walkLayers<BoltLayer>(
    {
      layers,
      floatModel: (names, start) => modelThatGives(bytes, names, start),
      inputModel: async ({ operator }) => inputModel(await quantized(fitted), operator),
      fit: async (layer, rows, products) => {
        const { record, weight } = layer;
        const hasBias = record.vector.length > 0;
        const whole = {
          weight: await readWeightValues(record),
          bias: hasBias ? await readVectorValues(record, "F32") : new Float32Array(layer.groups * layer.outputs),
          limits: layer.limits,
          qmax: weight.type === "int4" ? QMAX.int4 : QMAX.int8,
          perChannel: false,
          leastScales: [LEAST_SCALE],
          shares: weight.type === "int4" ? SHARES : [1],
          fitBias: fitBiases && hasBias,
          refit: true,
          examples: examples.length,
        };
        fitted = withLayer(fitted, layer, await fitGroups(layer, whole, rows, products), whole.fitBias);
      },
    },
    examples,
    options,
  );
  return fitted;
}

/** Of weights that are all zeros. */
const LEAST_SCALE = 2 ** -96;

async function boltLayers(
  raised: OnnxModel,
  model: Parameters<typeof raisedLayers>[1],
  plan: Plan,
): Promise<BoltLayer[]> {
  const weights = new Map(plan.weights.map((weight) => [weight.operator, weight]));
  const labels = new Map(plan.operators.map(({ name, label }) => [name, label]));
  const layers: BoltLayer[] = [];
  for (const [index, { node, record }] of raisedLayers(raised, model).entries()) {
    const { operator } = record;
    const weight = weights.get(operator);
    const layout = layoutOf(node);
    const isStored = weight?.type === "int8" || weight?.type === "int4";
    if (!isStored || weight.clip !== undefined || layout === undefined) continue;
    layers.push({
      ...layout,
      index,
      operator,
      // Those that compute in int8 and in float are given other numbers.
      input: `${node.input(0).name}\n${labels.get(operator)}`,
      output: node.output().name,
      record,
      weight,
      limits: await limitsBehind(node.output()),
    });
  }
  return layers;
}

/** The part of a quantized, raised network that gives what the operator multiplies: numbers, or levels and what one is worth. */
async function inputModel(raised: OnnxModel, operator: string): Promise<InputModel> {
  const input = productOf(raised, operator).input(0);
  const step = raised.main.graph.nodes.find(({ name }) => name === `${operator}/sumStep`)?.input(0);
  const bytes = await bytesOf(cutTo(raised, step === undefined ? [input] : [input, step]));
  return {
    bytes,
    inputOf: (outputs) => {
      const tensor = outputs.get(input.name)!;
      if (step === undefined) return tensor;
      const worth = denseValues(outputs.get(step.name)!)[0] as number;
      return denseTensor(
        "float32",
        tensor.shape,
        (denseValues(tensor) as Float32Array).map((level) => level * worth),
      );
    },
  };
}

/** The plan with a layer as it was fitted. */
function withLayer(plan: Plan, { operator, weight }: BoltLayer, parts: readonly FittedPart[], hasBias: boolean): Plan {
  const fitted: WeightPlan = { ...weight, scales: parts[0]!.scales, codes: joinedCodes(parts), method: "fitted" };
  const values = parts.flatMap(({ bias }) => [...bias]);
  return {
    ...plan,
    weights: plan.weights.map((one) => (one.operator === operator ? fitted : one)),
    biases: hasBias
      ? [...plan.biases.filter((bias) => bias.operator !== operator), { type: "float32", operator, values }]
      : plan.biases,
  };
}
