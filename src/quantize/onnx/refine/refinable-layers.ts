import { intAttribute } from "../../../onnx/attributes.ts";
import type { OnnxModel, OnnxNode, OnnxValue } from "../../../onnx/model.ts";
import { type Windows, windowsOf } from "../../../onnx/shape-rules/windows.ts";
import { float32Of } from "../../../onnx/tensor-data.ts";
import type { Plan, ValuePlan, WeightPlan } from "../../plan.ts";
import type { ActivationLimits } from "../../refine/fit-bias.ts";
import { biasOf, dataInputs, weightOf } from "../operator-roles.ts";

/** A matrix operator of a planned model whose weight can be fitted. */
export interface RefinableLayer {
  /** Place among the layers: seeds the choice of samples. */
  readonly index: number;
  readonly operator: string;
  /** The value that it multiplies, and the one that it gives. */
  readonly input: string;
  readonly output: string;
  readonly weight: WeightPlan;
  readonly inputPlan: ValuePlan;
  /** Parts of the outputs that read parts of the inputs of their own. */
  readonly groups: number;
  /** Outputs and inputs of a group. */
  readonly outputs: number;
  readonly inputs: number;
  /** How a convolution's window moves; undefined for a matrix product, which reads rows. */
  readonly windows: Windows | undefined;
  /** Whether the weight lies as inputs × outputs. */
  readonly transposed: boolean;
  readonly limits: ActivationLimits;
  /** Name of the constant that is the bias; undefined: it has none. */
  readonly biasName: string | undefined;
  readonly hasBias: boolean;
}

/** The layers of a model that a plan quantizes and that can be fitted, in graph order. */
export function refinableLayers(model: OnnxModel, plan: Plan): RefinableLayer[] {
  const weights = new Map(plan.weights.map((weight) => [weight.operator, weight]));
  const values = new Map(plan.values.map((value) => [value.name, value]));
  const shared = sharedWeights(plan);
  return model.main.graph.nodes.flatMap((node, index): RefinableLayer[] => {
    const weight = weights.get(node.name);
    const inputPlan = values.get(dataInputs(node)[0]?.name ?? "");
    if (weight?.type !== "int8" || inputPlan === undefined || shared.has(weight.name)) return [];
    const layer = node.type === "Conv" ? convolution(node) : matrixProduct(node);
    if (layer === undefined) return [];
    return [
      {
        ...layer,
        index,
        operator: node.name,
        input: dataInputs(node)[0]!.name,
        output: node.output().name,
        weight,
        inputPlan,
        limits: limitsBehind(node.output()),
        biasName: biasOf(node)?.name,
        hasBias: node.type !== "MatMul",
      },
    ];
  });
}

/** Weights that several operators read stay as they are planned. */
function sharedWeights({ weights }: Plan): Set<string> {
  const names = weights.map(({ name }) => name);
  return new Set(names.filter((name, index) => names.indexOf(name) !== index));
}

type Layout = Pick<RefinableLayer, "groups" | "outputs" | "inputs" | "windows" | "transposed">;

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
function limitsBehind(value: OnnxValue): ActivationLimits {
  const [reader, ...others] = value.users;
  if (reader === undefined || others.length > 0) return NO_LIMITS;
  if (reader.type === "Relu") return { low: 0, high: Number.POSITIVE_INFINITY };
  return NO_LIMITS;
}

/** As `refinableLayers` knows it, with the limits of a Clip, which lie in constants. */
export async function withClipLimits(layer: RefinableLayer, model: OnnxModel): Promise<RefinableLayer> {
  const node = model.main.graph.nodes.find(({ name }) => name === layer.operator);
  const [reader, ...others] = node?.output().users ?? [];
  if (reader?.type !== "Clip" || others.length > 0) return layer;
  const limit = async (index: number, absent: number) => {
    const constant = reader.inputs[index]?.constant;
    return constant === undefined ? absent : ((await float32Of(constant))[0] ?? absent);
  };
  return { ...layer, limits: { low: await limit(1, NO_LIMITS.low), high: await limit(2, NO_LIMITS.high) } };
}
