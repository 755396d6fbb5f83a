import { Value } from "../../graph/graph.ts";
import type { ElementType } from "../../graph/tensor.ts";
import { intAttribute } from "../../onnx/attributes.ts";
import type { OnnxModel, OnnxNode, OnnxNodeData, OnnxValue } from "../../onnx/model.ts";
import { nodeData } from "../../onnx/node-data.ts";
import { floatTensor, numbersOf } from "../../onnx/tensor-data.ts";
import { FreshNames } from "./fresh-names.ts";
import { addInitializer, constantsToInitializers, dropUnusedInitializers } from "./initializers.ts";

/** A value that an operator reads quantized, in a model that was trained so. */
export interface TrainedClip {
  readonly operator: OnnxNode;
  /** What the operator reads once the quantization is taken out. */
  readonly value: OnnxValue;
  /** The largest magnitude that is kept. */
  readonly clip: number;
}

/**
 * Takes the simulated quantization of quantization-aware training out of a model: QuantizeLinear with DequantizeLinear (as
 * PyTorch, TensorFlow and Brevitas export it) and Quant (QONNX). Weights that are stored as integers become float. Returns
 * what operators read quantized, with the clip values. Quantizations whose scales are no constants stay.
 */
export async function removeFakeQuantization(model: OnnxModel): Promise<TrainedClip[]> {
  constantsToInitializers(model);
  const names = new FreshNames(model);
  const clips: TrainedClip[] = [];
  for (const node of model.main.graph.nodes) {
    const found = await sourceOf(node, model, names);
    if (found === undefined) continue;
    const readers = node.output().users;
    const source = found.cutsNegative ? rectified(found.value, node, model, names) : found.value;
    const value = bypass(model, node, source);
    for (const operator of readers) clips.push({ operator, value, clip: found.clip });
  }
  removeUnusedQuantizers(model);
  dropUnusedInitializers(model);
  return clips.filter(({ operator }) => model.main.graph.has(operator) && operator.type !== "QuantizeLinear");
}

interface Source extends Pick<TrainedClip, "value" | "clip"> {
  /** Whether the codes stand for no number below zero. */
  readonly cutsNegative: boolean;
}

/** Operators that give negative numbers: a Relu behind them may have been left to the codes' range. */
const SIGNED: ReadonlySet<string> = new Set([
  "Conv",
  "ConvTranspose",
  "Gemm",
  "MatMul",
  "Add",
  "Sub",
  "Mul",
  "BatchNormalization",
]);

/** What the codes make of numbers below zero, as an operator; nothing where there are none. */
function rectified(value: OnnxValue, before: OnnxNode, model: OnnxModel, names: FreshNames): OnnxValue {
  if (!SIGNED.has(value.producer?.type ?? "")) return value;
  const name = names.next(`${value.name}/relu`);
  const output = new Value<OnnxNodeData>(name, { type: value.type });
  model.main.graph.insertBefore(before, { name, type: "Relu", inputs: [value], outputs: [output], data: nodeData({}) });
  return output;
}

/** What a simulated quantization reads and keeps; undefined for other operators. */
async function sourceOf(node: OnnxNode, model: OnnxModel, names: FreshNames): Promise<Source | undefined> {
  if (node.type === "Quant") return ofQuant(node);
  if (node.type !== "DequantizeLinear") return undefined;
  const codes = node.input(0);
  if (codes.constant !== undefined) return ofStoredCodes(node, model, names);
  const quantizer = codes.producer;
  if (quantizer?.type !== "QuantizeLinear") return undefined;
  const range = await rangeOf(quantizer.inputs[1], quantizer.inputs[2]);
  return range === undefined ? undefined : { value: quantizer.input(0), ...range };
}

async function ofQuant(node: OnnxNode): Promise<Source | undefined> {
  const [scale, bits] = [node.inputs[1]?.constant, node.inputs[3]?.constant];
  if (scale === undefined || bits === undefined) return undefined;
  const [width] = Array.from(await numbersOf(bits));
  const signed = intAttribute(node, "signed", 1) === 1;
  const levels = 2 ** (signed ? width! - 1 : width!) - 1;
  return { value: node.input(0), clip: levels * largest(await numbersOf(scale)), cutsNegative: !signed };
}

/** Makes the numbers that integers stand for into a float constant. */
async function ofStoredCodes(node: OnnxNode, model: OnnxModel, names: FreshNames): Promise<Source | undefined> {
  const { constant, name } = node.input(0);
  const [scale, zeroPoint] = [node.inputs[1]?.constant, node.inputs[2]?.constant];
  if (constant === undefined || scale === undefined) return undefined;
  const [codes, scales] = [await numbersOf(constant), await numbersOf(scale)];
  const zeros = zeroPoint === undefined ? [0] : await numbersOf(zeroPoint);
  const stated = intAttribute(node, "axis", 1);
  const axis = stated < 0 ? stated + constant.shape.length : stated;
  const inner = constant.shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const values = Float32Array.from(codes, (code, index) => {
    const channel = scales.length === 1 ? 0 : Math.floor(index / inner) % scales.length;
    return (code - zeros[zeros.length === 1 ? 0 : channel]!) * scales[channel]!;
  });
  const value = addInitializer(model, names.next(`${name}/float`), floatTensor(constant.shape, values));
  return { value, clip: largest(values), cutsNegative: false };
}

/** Ends of the integer types and the zero point that is in their middle. */
const CODES: Partial<Record<ElementType, { least: number; most: number; middle: number }>> = {
  uint8: { least: 0, most: 255, middle: 128 },
  int8: { least: -128, most: 127, middle: 0 },
  uint16: { least: 0, most: 65535, middle: 32768 },
  int16: { least: -32768, most: 32767, middle: 0 },
};

async function rangeOf(
  scale: OnnxValue | undefined,
  zeroPoint: OnnxValue | undefined,
): Promise<Omit<Source, "value"> | undefined> {
  if (scale?.constant === undefined || (zeroPoint !== undefined && zeroPoint.constant === undefined)) return undefined;
  const codes = CODES[zeroPoint?.constant?.type ?? "uint8"];
  if (codes === undefined) return undefined;
  const step = largest(await numbersOf(scale.constant));
  const [zero] = zeroPoint?.constant === undefined ? [0] : Array.from(await numbersOf(zeroPoint.constant));
  const levels = zero === codes.middle ? codes.most - zero : Math.max(codes.most - zero!, zero! - codes.least);
  return { clip: levels * step, cutsNegative: zero === codes.least };
}

function largest(values: ArrayLike<number>): number {
  let most = 0;
  for (let index = 0; index < values.length; index++) most = Math.max(most, Math.abs(values[index]!));
  return most;
}

/**
 * Takes an operator out: what reads its output reads `value`. An output of the graph keeps its name: `value` takes it over,
 * or, where that is an output or input itself, comes through an Identity. Returns what is read now.
 */
function bypass({ main: { graph } }: OnnxModel, node: OnnxNode, value: OnnxValue): OnnxValue {
  const output = node.output();
  const isOutput = graph.outputs.includes(output);
  value.type ??= output.type;
  if (isOutput && (value.producer === undefined || graph.outputs.includes(value))) {
    node.type = "Identity";
    node.data = nodeData();
    node.setInputs([value]);
    return output;
  }
  graph.replaceUses(output, value);
  if (isOutput) [value.name, output.name] = [output.name, value.name];
  graph.remove(node);
  return value;
}

function removeUnusedQuantizers({ main: { graph } }: OnnxModel): void {
  for (const node of graph.nodes.toReversed()) {
    const output = node.outputs[0];
    if (node.type === "QuantizeLinear" && output !== undefined && !output.used && !graph.outputs.includes(output))
      graph.remove(node);
  }
}
