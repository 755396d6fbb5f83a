import { intAttribute, intsAttribute } from "../../onnx/attributes.ts";
import type { OnnxModel, OnnxNode, OnnxValue } from "../../onnx/model.ts";
import { isFusedActivation } from "./operator-roles.ts";

/** A picture has at most so many channels: too few for the integer kernels to be fast. */
const PICTURE_CHANNELS = 4;

/** A pointwise convolution that leaves at most this share of the numbers ends the stem: what is behind it is cheap to quantize. */
const REDUCTION = 0.5;

/**
 * A pointwise convolution and the depthwise one behind it that leave at most that share together belong to the stem if they are at most
 * this share of the network's work: what they read reaches far in some channels only, and costs more digits than all the rest (4 dB of MobileNetV1).
 */
const SMALL_WORK = 1 / 16;

/**
 * The first convolutions, where float is faster: over the few channels of a picture, and depthwise or reducing ones right
 * behind. Where depthwise ones are followed by a small expanding one and a reducing depthwise one, these too. The stem ends behind a convolution, never behind a pooling: ONNX Runtime would then pool bytes in the slow
 * layout, which takes longer than all the rest.
 */
export function floatStem(model: OnnxModel): Set<OnnxNode> {
  const inputs = new Set(model.main.graph.inputs);
  const stem = new Set<OnnxNode>();
  for (const node of model.main.graph.nodes) {
    if (isFirst(node, inputs)) for (const member of stemFrom(node, model.main.graph)) stem.add(member);
  }
  return stem;
}

function isFirst(node: OnnxNode, inputs: ReadonlySet<OnnxValue>): boolean {
  const channels = node.type === "Conv" ? weightShape(node)?.[1] : undefined;
  if (channels === undefined || channels > PICTURE_CHANNELS || groups(node) !== 1) return false;
  const source = node.inputs[0];
  return (
    source !== undefined && (inputs.has(source) || source.producer?.type === "Sub" || source.producer?.type === "Mul")
  );
}

function stemFrom(first: OnnxNode, { nodes, outputs }: OnnxModel["main"]["graph"]): OnnxNode[] {
  const walked: OnnxNode[] = [first];
  let length = 1;
  for (let node = nextOf(first, outputs); node !== undefined; node = nextOf(node, outputs)) {
    const kind = kindOf(node);
    if (kind === "other") {
      const expanded =
        walked.length === length && kindOf(walked.at(-1)!) === "depthwise" ? expansionAt(node, nodes, outputs) : [];
      return [...walked.slice(0, length), ...expanded];
    }
    walked.push(node);
    if (kind !== "pool") length = walked.length;
    if (kind === "reducing") break;
  }
  const behind = walked[length];
  return behind !== undefined && kindOf(behind) === "pool" ? [] : walked.slice(0, length);
}

/** The pointwise convolution and a reducing depthwise one behind it, where both are little work; else nothing. */
function expansionAt(pointwise: OnnxNode, nodes: readonly OnnxNode[], outputs: readonly OnnxValue[]): OnnxNode[] {
  const depthwise = nextOf(pointwise, outputs);
  if (depthwise === undefined || kindOf(depthwise) !== "depthwise") return [];
  const [one, other] = [remainingShare(pointwise), remainingShare(depthwise)];
  if (one === undefined || other === undefined || one * other > REDUCTION) return [];
  const all = nodes.reduce((sum, node) => sum + workOf(node), 0);
  return workOf(pointwise) + workOf(depthwise) <= SMALL_WORK * all ? [pointwise, depthwise] : [];
}

/** Products of a convolution or of a product with a matrix; 0 for others, no number where its size is open. */
function workOf({ type, inputs, outputs }: OnnxNode): number {
  const weights = type === "Conv" || type === "Gemm" ? inputs[1]?.constant?.shape : undefined;
  if (weights === undefined) return 0;
  const places = type === "Conv" ? (outputs[0]?.type?.shape?.slice(2) ?? [Number.NaN]) : [];
  return [...weights, ...places].reduce<number>((product, size) => product * Number(size), 1);
}

/** The one operator that reads the node's output, or that of the activation behind it. */
function nextOf(node: OnnxNode, outputs: readonly OnnxValue[]): OnnxNode | undefined {
  const output = node.outputs[0];
  const [reader, ...others] = output?.users ?? [];
  if (output === undefined || reader === undefined || others.length > 0 || outputs.includes(output)) return undefined;
  return isFusedActivation(reader) ? nextOf(reader, outputs) : reader;
}

function kindOf(node: OnnxNode): "depthwise" | "reducing" | "pool" | "other" {
  if (node.type === "MaxPool" || node.type === "AveragePool") return "pool";
  const shape = node.type === "Conv" ? weightShape(node) : undefined;
  if (shape === undefined) return "other";
  const [channels, perGroup, ...kernel] = shape as [number, number, ...number[]];
  if (perGroup === 1 && groups(node) === channels) return "depthwise";
  if (kernel.some((size) => size > 1)) return "other";
  return remainingShare(node)! <= REDUCTION ? "reducing" : "other";
}

/** Numbers that a convolution gives for each that it reads, as its channels and strides have it; undefined for other operators. */
function remainingShare(node: OnnxNode): number | undefined {
  const shape = node.type === "Conv" ? weightShape(node) : undefined;
  if (shape === undefined) return undefined;
  const stride = (intsAttribute(node, "strides") ?? []).reduce((product, step) => product * step, 1);
  return shape[0]! / (shape[1]! * groups(node) * stride);
}

function weightShape(node: OnnxNode): readonly number[] | undefined {
  const shape = node.inputs[1]?.constant?.shape;
  return shape !== undefined && shape.length >= 3 ? shape : undefined;
}

function groups(node: OnnxNode): number {
  return intAttribute(node, "group", 1);
}
