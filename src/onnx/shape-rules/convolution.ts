import type { Dimension } from "../../graph/tensor.ts";
import { intAttribute, intsAttribute } from "../attributes.ts";
import type { OnnxNode } from "../model.ts";
import { changed, knownOf } from "./dimensions.ts";
import { type InferOutputs, type NodeFacts, type Shape, type ShapeRules, typed } from "./shape-rule.ts";
import { growWindows, slideWindows, windowsOf } from "./windows.ts";

/** The stated kernel, or the spatial part of the weight's shape. */
function kernelOf(node: OnnxNode, weight: Shape | undefined, axes: number): Shape {
  const stated = intsAttribute(node, "kernel_shape");
  return Array.from({ length: axes }, (_, axis) => knownOf(stated?.[axis], weight?.[axis + 2]));
}

function convolvedShape({ node, shape }: NodeFacts, weightIndex: number): Shape | undefined {
  const input = shape(0);
  const weight = shape(weightIndex);
  if (input === undefined) return undefined;
  const windows = windowsOf(node, kernelOf(node, weight, input.length - 2));
  return [input[0], weight?.[0], ...slideWindows(input.slice(2), windows)];
}

const conv: InferOutputs = (facts) => [typed(facts.type(0), convolvedShape(facts, 1))];

const convInteger: InferOutputs = (facts) => [typed("int32", convolvedShape(facts, 1))];

/** Inputs: x, its scale and zero point, w, its scale and zero point, the output's scale and zero point. */
const quantizedConv: InferOutputs = (facts) => [typed(facts.type(7), convolvedShape(facts, 3))];

const convTranspose: InferOutputs = ({ node, type, shape }) => {
  const input = shape(0);
  const weight = shape(1);
  if (input === undefined) return [typed(type(0), undefined)];
  const channels = changed(weight?.[1], (size) => size * intAttribute(node, "group", 1));
  return [typed(type(0), [input[0], channels, ...transposedSizes(node, input.slice(2), weight)])];
};

function transposedSizes(node: OnnxNode, sizes: Shape, weight: Shape | undefined): readonly Dimension[] {
  const stated = intsAttribute(node, "output_shape");
  if (stated !== undefined && stated.length > 0) return stated.slice(-sizes.length);
  const windows = windowsOf(node, kernelOf(node, weight, sizes.length));
  return growWindows(sizes, windows, intsAttribute(node, "output_padding") ?? []);
}

/** Convolutions, float and integer. */
export const CONVOLUTION_RULES: ShapeRules = {
  Conv: { infer: conv },
  ConvInteger: { infer: convInteger },
  QLinearConv: { infer: quantizedConv },
  DeformConv: { infer: conv },
  ConvTranspose: { infer: convTranspose },
};
