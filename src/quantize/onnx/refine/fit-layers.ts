import type { Sample } from "../../../data/dataset.ts";
import type { OnnxModel, OnnxNode } from "../../../onnx/model.ts";
import { float32Of } from "../../../onnx/tensor-data.ts";
import { loadRuntime } from "../../../runtime/load.ts";
import type { Runtime } from "../../../runtime/runtime.ts";
import type { BiasPlan, Plan, WeightPlan } from "../../plan.ts";
import { fitGroups, joinedCodes, SHARES } from "../../refine/fit-groups.ts";
import type { FittedPart } from "../../refine/fit-layer.ts";
import { bytesOf, modelThatGives } from "../../refine/partial-model.ts";
import { walkLayers } from "../../refine/walk-layers.ts";
import { biasOf, weightOf } from "../operator-roles.ts";
import { quantizedInputModel } from "./partial-model.ts";
import { type RefinableLayer, refinableLayers } from "./refinable-layers.ts";

export interface FitOptions {
  /** Default: the one that is installed. */
  readonly runtime?: Runtime | undefined;
  /** Let weights change, not only their rounding. Default true. */
  readonly refitWeights?: boolean | undefined;
  /** Let biases change. Default true. */
  readonly fitBiases?: boolean;
  /** Called with what is being done, and how much of it is done. */
  readonly onProgress?: ((layers: number, all: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Fits the weights and biases of a planned model, layer by layer in graph order: each to the inputs that the network quantized
 * so far gives it, so that its outputs are those of the float network. Scales of weights, their codes and biases change.
 * `model` is the float model that the plan was made for.
 */
export async function fitLayers(
  model: OnnxModel,
  plan: Plan,
  examples: readonly Sample[],
  options: FitOptions = {},
): Promise<Plan> {
  const runtime = options.runtime ?? (await loadRuntime());
  const bytes = await bytesOf(model);
  const { refitWeights = true, fitBiases = true } = options;
  let fitted = plan;
  await walkLayers<RefinableLayer>(
    {
      layers: await refinableLayers(model, plan),
      floatModel: (names, start) => modelThatGives(bytes, names, start),
      inputModel: async ({ operator }, start) => {
        const { bytes: part, name, grid, startsAll } = await quantizedInputModel(bytes, fitted, operator, start);
        return { bytes: part, inputOf: (outputs) => outputs.get(name)!, grid, startName: startsAll ? name : undefined };
      },
      fit: async (layer, rows, products) => {
        const node = model.main.graph.nodes.find(({ name }) => name === layer.operator)!;
        const perChannel = layer.weight.granularity === "per-channel";
        const whole = {
          weight: rowsOf(await float32Of(weightOf(node)!.value.constant!), layer),
          bias: await biasesOf(layer, node, fitted),
          limits: layer.limits,
          qmax: layer.weight.largest,
          perChannel,
          ...scaleRoom(layer.weight),
          fitBias: fitBiases,
          refit: refitWeights && !(layer.groups > 1 && !perChannel),
          examples: examples.length,
        };
        fitted = withLayer(fitted, layer, await fitGroups(layer, whole, rows, products), fitBiases);
      },
    },
    examples,
    { ...options, runtime },
  );
  return fitted;
}

/** Of so few codes each must count. */
const FEW_CODES = 7;

/** How far scales may go below those planned, which leave room for biases and for sums of two products; rows of zeros keep theirs. */
function scaleRoom({ largest, scales }: WeightPlan) {
  if (largest !== FEW_CODES) return { leastScales: scales, shares: [1] };
  return { leastScales: scales.map((scale) => scale * Math.min(...SHARES)), shares: SHARES };
}

/** As they are planned now. */
async function biasesOf(layer: RefinableLayer, node: OnnxNode, plan: Plan): Promise<Float32Array> {
  const planned = plan.biases.find(({ operator }) => operator === layer.operator);
  if (planned?.type === "int32") {
    const { scales, codes } = planned;
    return Float32Array.from(codes, (code, channel) => code * scales[scales.length === 1 ? 0 : channel]!);
  }
  const constant = biasOf(node)?.constant;
  return constant === undefined ? new Float32Array(layer.groups * layer.outputs) : float32Of(constant);
}

/** The plan with a layer as it was fitted. */
function withLayer(plan: Plan, layer: RefinableLayer, parts: readonly FittedPart[], fitBiases: boolean): Plan {
  const perChannel = layer.weight.granularity === "per-channel";
  const scales = perChannel
    ? parts.flatMap((part) => part.scales)
    : [Math.max(...parts.map((part) => part.scales[0]!))];
  const rows = joinedCodes(parts);
  const weight: WeightPlan = {
    ...layer.weight,
    scales,
    codes: layer.transposed ? transposedCodes(rows, layer) : rows,
    method: "fitted",
  };
  const takesBias = layer.hasBias && (layer.biasName !== undefined || fitBiases);
  return {
    ...plan,
    weights: plan.weights.map((one) => (one.operator === layer.operator ? weight : one)),
    biases: [
      ...plan.biases.filter(({ operator }) => !layer.hasBias || operator !== layer.operator),
      ...(takesBias ? [biasPlan(layer, scales, parts)] : []),
    ],
  };
}

/** A weight as outputs × inputs. */
function rowsOf(weight: Float32Array, { transposed, inputs, outputs }: RefinableLayer): Float32Array {
  if (!transposed) return weight;
  return Float32Array.from(weight, (_, index) => weight[(index % inputs) * outputs + Math.floor(index / inputs)]!);
}

function transposedCodes(rows: Int8Array, { inputs, outputs }: RefinableLayer): Int8Array {
  return Int8Array.from(rows, (_, index) => rows[(index % outputs) * inputs + Math.floor(index / outputs)]!);
}

/** Of int32, one less so that adding the first product cannot wrap. */
const MOST_BIAS = 2 ** 31 - 2;

function biasPlan(layer: RefinableLayer, weightScales: readonly number[], parts: readonly FittedPart[]): BiasPlan {
  const scales = weightScales.map((scale) => Math.fround(scale * layer.inputPlan.scale));
  const codes = parts
    .flatMap(({ bias }) => [...bias])
    .map((value, channel) => {
      const code = Math.round(value / scales[scales.length === 1 ? 0 : channel]!);
      return Math.min(Math.max(code, -MOST_BIAS), MOST_BIAS);
    });
  return { type: "int32", operator: layer.operator, name: layer.biasName, scales, codes };
}
