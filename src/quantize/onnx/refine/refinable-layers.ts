import { intAttribute } from "../../../onnx/attributes.ts";
import type { OnnxModel, OnnxNode, OnnxValue } from "../../../onnx/model.ts";
import { windowsOf } from "../../../onnx/shape-rules/windows.ts";
import { float32Of } from "../../../onnx/tensor-data.ts";
import type { Plan, ValuePlan, WeightPlan } from "../../plan.ts";
import { cutValues } from "../../refine/cut-values.ts";
import type { ActivationLimits } from "../../refine/fit-bias.ts";
import type { WalkedLayer } from "../../refine/walked-layer.ts";
import { biasOf, dataInputs, weightOf } from "../operator-roles.ts";

/** A matrix operator of a planned model whose weight can be fitted. */
export interface RefinableLayer extends WalkedLayer {
  readonly weight: WeightPlan;
  readonly inputPlan: ValuePlan;
  /** Whether the weight lies as inputs × outputs. */
  readonly transposed: boolean;
  readonly limits: ActivationLimits;
  /** Name of the constant that is the bias; undefined: it has none. */
  readonly biasName: string | undefined;
  readonly hasBias: boolean;
}

/** The layers of a model that a plan quantizes and that can be fitted, in graph order. */
export async function refinableLayers(model: OnnxModel, plan: Plan): Promise<RefinableLayer[]> {
  const weights = new Map(plan.weights.map((weight) => [weight.operator, weight]));
  const values = new Map(plan.values.map((value) => [value.name, value]));
  const shared = sharedWeights(plan);
  const cuts = cutValues(model);
  const layers: RefinableLayer[] = [];
  for (const [index, node] of model.main.graph.nodes.entries()) {
    const weight = weights.get(node.name);
    const inputPlan = values.get(dataInputs(node)[0]?.name ?? "");
    if (weight?.type !== "int8" || inputPlan === undefined || shared.has(weight.name)) continue;
    const layout = layoutOf(node);
    if (layout === undefined) continue;
    layers.push({
      ...layout,
      index,
      operator: node.name,
      input: dataInputs(node)[0]!.name,
      isCut: cuts.has(dataInputs(node)[0]!),
      output: node.output().name,
      weight,
      inputPlan,
      limits: await limitsBehind(node.output()),
      biasName: biasOf(node)?.name,
      hasBias: node.type !== "MatMul",
    });
  }
  return layers;
}

/** Weights that several operators read stay as they are planned. */
function sharedWeights({ weights }: Plan): Set<string> {
  const names = weights.map(({ name }) => name);
  return new Set(names.filter((name, index) => names.indexOf(name) !== index));
}

/** How a layer lies in its operator. */
export type Layout = Pick<RefinableLayer, "groups" | "outputs" | "inputs" | "windows" | "transposed">;

/** The layout of a convolution or of a product with a matrix; undefined for those that cannot be fitted. */
export function layoutOf(node: OnnxNode): Layout | undefined {
  return node.type === "Conv" ? convolution(node) : matrixProduct(node);
}

/** Convolutions over two axes. */
function convolution(node: OnnxNode): Layout | undefined {
  const { shape } = weightOf(node)!.value.constant!;
  if (shape.length !== 4) return undefined;
  const [outputs = 0, channels = 0, ...kernel] = shape;
  const groups = intAttribute(node, "group", 1);
  if (outputs % groups !== 0) return undefined;
  return {
    groups,
    outputs: outputs / groups,
    inputs: channels * kernel[0]! * kernel[1]!,
    windows: windowsOf(node, kernel),
    transposed: false,
  };
}

/** Products with one matrix. */
function matrixProduct(node: OnnxNode): Layout | undefined {
  const { value, axis } = weightOf(node)!;
  const { shape } = value.constant!;
  if (shape.length !== 2) return undefined;
  return { groups: 1, outputs: shape[axis]!, inputs: shape[1 - axis]!, windows: undefined, transposed: axis === 1 };
}

const NO_LIMITS: ActivationLimits = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

/** What a Relu or Clip that alone reads the value keeps of it. */
export async function limitsBehind(value: OnnxValue): Promise<ActivationLimits> {
  const [reader, ...others] = value.users;
  if (reader === undefined || others.length > 0) return NO_LIMITS;
  if (reader.type === "Relu") return { low: 0, high: Number.POSITIVE_INFINITY };
  if (reader.type !== "Clip") return NO_LIMITS;
  const limit = async (index: number, absent: number) => {
    const constant = reader.inputs[index]?.constant;
    return constant === undefined ? absent : ((await float32Of(constant))[0] ?? absent);
  };
  return { low: await limit(1, NO_LIMITS.low), high: await limit(2, NO_LIMITS.high) };
}
