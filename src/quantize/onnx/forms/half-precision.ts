import { float32ToFloat16 } from "../../../graph/float16.ts";
import { elementCount, type Tensor } from "../../../graph/tensor.ts";
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxValue } from "../../../onnx/model.ts";
import { subgraphsOf } from "../../../onnx/subgraphs.ts";
import { numbersOf } from "../../../onnx/tensor-data.ts";
import { floatInputs, halfOutputs, isFloat, takesHalf } from "./half-operators.ts";

/** Whether an operator computes in half floats, and why. */
export interface HalfChoice {
  readonly half: boolean;
  readonly reason: string;
}

/** What is known of a value's numbers. `fixed`: made of constants; `counted`: made of integers; `large`: may pass ±65504. */
type Kind = "plain" | "fixed" | "counted" | "large";

/** Constants up to so many numbers are looked at; whole weights are checked when they are written. */
const MOST_LOOKED_AT = 2 ** 12;

/** Operators that lose too many digits in half floats: those of a LayerNormalization taken apart, angles, logarithms. */
const FRAGILE: ReadonlySet<string> = new Set([
  ...["Pow", "Sqrt", "Reciprocal", "Exp", "Log", "Sin", "Cos", "ReduceMean", "ReduceSum", "ReduceSumSquare"],
  ...["ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceProd"],
]);

/** Operators whose results are small whatever they read. */
const BOUNDED: ReadonlySet<string> = new Set([
  ...["Softmax", "Sigmoid", "Tanh", "Erf", "Sin", "Cos", "Hardmax", "HardSigmoid"],
  ...["Attention", "MultiHeadAttention", "GroupQueryAttention"],
]);

/** Operators between two that stay in float32 stay there too, if they are of these: two conversions would cost more. */
const CHEAP: ReadonlySet<string> = new Set(["Add", "Sub", "Mul", "Div", "Neg", "Identity", "Unsqueeze", "Squeeze"]);

/**
 * Decides which of the operators that `asked` lets through compute in half floats: those that can, and lose neither their
 * numbers (beyond 65504) nor their digits. `large`: see `largeValues`. Operators without float numbers are left out.
 */
export async function chooseHalf(
  model: OnnxModel,
  asked: (node: OnnxNode) => boolean,
  large: ReadonlyMap<string, number> = new Map(),
): Promise<Map<OnnxNode, HalfChoice>> {
  const choices = new Map<OnnxNode, HalfChoice>();
  const kinds = new Map<OnnxValue, Kind>();
  const visit = async ({ graph }: OnnxGraph): Promise<void> => {
    for (const node of graph.nodes) {
      for (const inner of subgraphsOf(node)) await visit(inner);
      const floats = floatInputs(node);
      if (floats.length === 0 && halfOutputs(node).length === 0) continue;
      const inputs = await Promise.all(floats.map((value) => kindOf(value, kinds)));
      const made = await madeKind(node, inputs);
      for (const output of node.outputs) kinds.set(output, BOUNDED.has(node.type) ? "plain" : made);
      choices.set(
        node,
        asked(node) ? await judge(node, made, reach(node, large)) : keep("the recipe leaves it in float"),
      );
    }
  };
  await visit(model.main);
  keepBetween(choices);
  return choices;
}

const keep = (reason: string): HalfChoice => ({ half: false, reason });

/** The largest magnitude that examples showed of what an operator reads or gives, of those known. */
function reach({ inputs, outputs }: OnnxNode, large: ReadonlyMap<string, number>): number {
  return Math.max(0, ...[...inputs, ...outputs].map((value) => large.get(value?.name ?? "") ?? 0));
}

async function judge(node: OnnxNode, made: Kind, most: number): Promise<HalfChoice> {
  if (!takesHalf(node)) return keep("it takes no half floats");
  if (most > 0) return keep(`numbers reach ${most.toPrecision(2)} in the examples; half floats end at 65504`);
  if (node.inputs.some((value) => value !== undefined && isFloat(value) === undefined))
    return keep("the types of what it reads are not known");
  if (FRAGILE.has(node.type) || dividesByRoot(node)) return keep("it would lose digits in half floats");
  if (made === "large") return keep("its numbers may pass 65504, the largest half float");
  if (made === "counted") return keep("it counts further than half floats do");
  if (node.type !== "Clip" && (await readsVanishing(node))) return keep("a constant of it is 0 in half floats");
  return { half: true, reason: "half floats are exact enough" };
}

/** As in a LayerNormalization. */
function dividesByRoot({ type, inputs }: OnnxNode): boolean {
  return type === "Div" && inputs[1]?.producer?.type === "Sqrt";
}

async function kindOf(value: OnnxValue, kinds: Map<OnnxValue, Kind>): Promise<Kind> {
  const known = kinds.get(value);
  if (known !== undefined) return known;
  const kind = value.constant === undefined ? "plain" : await constantKind(value.constant);
  kinds.set(value, kind);
  return kind;
}

async function constantKind(tensor: Tensor): Promise<Kind> {
  return (await smallNumbers(tensor)).some((value) => Number.isFinite(value) && !isHalf(value)) ? "large" : "fixed";
}

function isHalf(value: number): boolean {
  return (float32ToFloat16(value) & 0x7fff) !== 0x7c00;
}

async function smallNumbers(tensor: Tensor): Promise<number[]> {
  return elementCount(tensor.shape) > MOST_LOOKED_AT ? [] : Array.from(await numbersOf(tensor));
}

async function readsVanishing(node: OnnxNode): Promise<boolean> {
  for (const { constant } of floatInputs(node)) {
    if (constant === undefined) continue;
    const numbers = (await smallNumbers(constant)).filter((value) => value !== 0);
    if (numbers.length > 0 && numbers.every((value) => (float32ToFloat16(value) & 0x7fff) === 0)) return true;
  }
  return false;
}

/** The kind of what an operator gives; the bounds of a Clip may become infinite without harm. */
async function madeKind(node: OnnxNode, inputs: readonly Kind[]): Promise<Kind> {
  if (node.type === "Constant" || node.type === "ConstantOfShape") return filledKind(node);
  if (node.type === "Range") return "counted";
  if (node.type === "Cast" && inputs.length === 0) return castsIntegers(node) ? "counted" : "plain";
  const read = node.type === "Clip" ? inputs.slice(0, 1) : inputs;
  if (read.includes("large")) return "large";
  if (read.length > 0 && read.every((kind) => kind === "fixed")) return "fixed";
  return read.includes("counted") && read.every((kind) => kind === "counted" || kind === "fixed") ? "counted" : "plain";
}

async function filledKind({ data }: OnnxNode): Promise<Kind> {
  for (const attribute of data.attributes.values()) {
    if (attribute.kind === "tensor" && attribute.value.type === "float32") return constantKind(attribute.value);
    if (attribute.kind === "float" && !isHalf(attribute.value)) return "large";
  }
  return "fixed";
}

function castsIntegers({ inputs }: OnnxNode): boolean {
  return /^u?int(16|32|64)$/.test(inputs[0]?.constant?.type ?? inputs[0]?.type?.type ?? "");
}

/** What stands between operators in float32, and is cheap, joins them. */
function keepBetween(choices: Map<OnnxNode, HalfChoice>): void {
  const isWide = (node: OnnxNode | undefined) => node !== undefined && choices.get(node)?.half === false;
  for (const [node, { half }] of choices) {
    if (!half || !CHEAP.has(node.type)) continue;
    const sources = floatInputs(node).filter(({ constant }) => constant === undefined);
    const readers = node.outputs.flatMap(({ users }) => users);
    if (sources.length === 0 || readers.length === 0) continue;
    if (sources.every(({ producer }) => isWide(producer)) && readers.every(isWide))
      choices.set(node, keep("it stands between operators in float32"));
  }
}
