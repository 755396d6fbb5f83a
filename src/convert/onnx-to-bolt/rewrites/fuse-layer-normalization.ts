import { elementCount } from "../../../graph/tensor.ts";
import { intAttribute, intsAttribute } from "../../../onnx/attributes.ts";
import type { OnnxNode, OnnxTensor, OnnxValue } from "../../../onnx/model.ts";
import { axisOf } from "../../../onnx/shape-rules/dimensions.ts";
import { shapeOf } from "../../../onnx/shape-rules/shape-rule.ts";
import { integersOf, numbersOf } from "../../../onnx/tensor-data.ts";
import type { Rewriting } from "./rewrite.ts";

/** The operators of a layer normalization as exporters write it out. */
interface Pattern {
  readonly input: OnnxValue;
  readonly epsilon: number;
  readonly gamma: OnnxValue | undefined;
  readonly beta: OnnxValue | undefined;
  /** The last operator first. */
  readonly nodes: readonly OnnxNode[];
}

/**
 * (x - mean) / √(variance + ε) along the last axis, with a factor and a summand where they follow, becomes one
 * LayerNormalization; the rewriting is that of the first mean. Returns whether it did.
 */
export async function fuseLayerNormalization(rewriting: Rewriting): Promise<boolean> {
  const pattern = await patternFrom(rewriting);
  if (pattern === undefined) return false;
  const { input, epsilon, nodes } = pattern;
  const size = shapeOf(input)!.at(-1) as number;
  const gamma = pattern.gamma ?? rewriting.filled("ones", [size], () => 1);
  const inputs = [input, gamma, ...(pattern.beta === undefined ? [] : [pattern.beta])];
  const [output] = rewriting.takeOutputs(nodes[0]!);
  rewriting.insert("LayerNormalization", inputs, [output!], { axis: -1, epsilon: { float: epsilon } });
  for (const node of nodes) rewriting.remove(node);
  return true;
}

async function patternFrom(rewriting: Rewriting): Promise<Pattern | undefined> {
  const { node } = rewriting;
  const next = (from: OnnxNode, type: string) => {
    const reader = rewriting.onlyReader(from.output());
    return reader?.type === type && reader.data.domain === "" ? reader : undefined;
  };
  const input = node.inputs[0];
  const size = shapeOf(input)?.at(-1);
  if (input === undefined || typeof size !== "number" || !(await isMeanOfLastAxis(node))) return undefined;
  const centered = next(node, "Sub");
  if (centered === undefined || centered.inputs[0] !== input || centered.output().users.length !== 2) return undefined;
  const square = centered.output().users.find(isSquare);
  const variance = square && (await isSquareExactly(square)) ? next(square, "ReduceMean") : undefined;
  const sum = variance && (await isMeanOfLastAxis(variance)) ? next(variance, "Add") : undefined;
  const epsilon = sum && (await oneNumber(sum.inputs.find((value) => value?.constant !== undefined)?.constant));
  const root = sum && next(sum, "Sqrt");
  const quotient = root && next(root, "Div");
  if (sum === undefined || root === undefined || epsilon === undefined || quotient?.inputs[0] !== centered.output())
    return undefined;
  if (rewriting.onlyReader(quotient.input(1)) !== quotient) return undefined;
  const nodes = [quotient, root, sum, variance!, square!, centered, node];
  const scaled = next(quotient, "Mul");
  const gamma = scaled && alongLastAxis(scaled, size);
  if (gamma === undefined) return { input, epsilon, gamma, beta: undefined, nodes };
  const shifted = next(scaled!, "Add");
  const beta = shifted && alongLastAxis(shifted, size);
  const behind = beta === undefined ? [scaled!] : [shifted!, scaled!];
  return { input, epsilon, gamma, beta, nodes: [...behind, ...nodes] };
}

async function isMeanOfLastAxis(node: OnnxNode): Promise<boolean> {
  const rank = shapeOf(node.inputs[0])?.length;
  const constant = node.inputs[1]?.constant;
  const axes = constant === undefined ? intsAttribute(node, "axes") : await integersOf(constant);
  if (rank === undefined || axes?.length !== 1 || intAttribute(node, "keepdims", 1) === 0) return false;
  return axisOf(axes[0]!, rank) === rank - 1;
}

function isSquare({ type, inputs }: OnnxNode): boolean {
  return type === "Pow" || (type === "Mul" && inputs[0] === inputs[1]);
}

async function isSquareExactly({ type, inputs }: OnnxNode): Promise<boolean> {
  return type === "Mul" || (await oneNumber(inputs[1]?.constant)) === 2;
}

async function oneNumber(constant: OnnxTensor | undefined): Promise<number | undefined> {
  return constant !== undefined && elementCount(constant.shape) === 1 ? (await numbersOf(constant))[0] : undefined;
}

/** The constant of two operands, if it is one number for each place of the last axis. */
function alongLastAxis({ inputs }: OnnxNode, size: number): OnnxValue | undefined {
  const value = inputs.find((input) => input?.constant !== undefined);
  return inputs.length === 2 && value?.constant?.shape.join() === String(size) ? value : undefined;
}
