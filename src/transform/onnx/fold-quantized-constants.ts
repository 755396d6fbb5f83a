import { elementCount, type Tensor } from "../../graph/tensor.ts";
import { intAttribute } from "../../onnx/attributes.ts";
import { broadcastPlaces } from "../../onnx/evaluation/evaluator.ts";
import type { OnnxModel, OnnxNode, OnnxValue } from "../../onnx/model.ts";
import { encodedTensor, floatTensor, numbersOf } from "../../onnx/tensor-data.ts";
import { codeRange, quantParameters } from "./quantizer-parameters.ts";

/**
 * Calculates QuantizeLinear, DequantizeLinear and Quant over constants: weights become the numbers that the quantized
 * network multiplies with. `steps` receives the largest scale of each constant that is whole multiples of its scales, as
 * many as int8 holds. Returns how many operators were calculated.
 */
export async function foldQuantizedConstants(model: OnnxModel, steps: Map<OnnxValue, number>): Promise<number> {
  const { graph, initializers } = model.main;
  let count = 0;
  for (const node of graph.nodes) {
    const result = graph.outputs.includes(node.outputs[0]!) ? undefined : await calculated(node);
    if (result === undefined) continue;
    const output = node.output();
    graph.remove(node);
    output.constant = result.tensor;
    output.type = { type: result.tensor.type, shape: result.tensor.shape };
    initializers.push(output);
    if (result.step !== undefined) steps.set(output, result.step);
    count += 1;
  }
  return count;
}

interface Calculated {
  readonly tensor: Tensor;
  readonly step?: number | undefined;
}

async function calculated(node: OnnxNode): Promise<Calculated | undefined> {
  const tensor = node.inputs[0]?.constant;
  if (tensor === undefined || node.inputs.slice(1).some((input) => input !== undefined && input.constant === undefined))
    return undefined;
  if (node.type === "Quant") return quantized(node, tensor);
  if (node.type === "QuantizeLinear") return encoded(node, tensor);
  return node.type === "DequantizeLinear" ? decoded(node, tensor) : undefined;
}

async function encoded(node: OnnxNode, tensor: Tensor): Promise<Calculated | undefined> {
  const zeroPoint = node.inputs[2]?.constant;
  const type = zeroPoint?.type ?? "uint8";
  const range = codeRange(type);
  if (range === undefined) return undefined;
  const { scales, zeros, placeOf } = await linearParameters(node, tensor.shape);
  const codes = Array.from(await numbersOf(tensor), (value, index) => {
    const place = placeOf(index);
    const code = evenly(Math.fround(value / scales[place]!)) + (zeros[place] ?? 0);
    return Math.min(Math.max(code, range.least), range.most);
  });
  return { tensor: encodedTensor(type, tensor.shape, codes) };
}

/** What int8 holds. */
const [LEAST_STEPS, MOST_STEPS] = [-128, 127];

async function decoded(node: OnnxNode, tensor: Tensor): Promise<Calculated> {
  const { scales, zeros, placeOf } = await linearParameters(node, tensor.shape);
  let fits = true;
  const values = Float32Array.from(await numbersOf(tensor), (code, index) => {
    const place = placeOf(index);
    const steps = code - (zeros[place] ?? 0);
    if (steps < LEAST_STEPS || steps > MOST_STEPS) fits = false;
    return steps * scales[place]!;
  });
  return { tensor: floatTensor(tensor.shape, values), step: fits ? largestOf(scales) : undefined };
}

/** Scales and zero points, and which of them is for an element: one for all, for a slice along `axis`, or for a block of it. */
async function linearParameters(
  node: OnnxNode,
  shape: readonly number[],
): Promise<{ scales: ArrayLike<number>; zeros: ArrayLike<number>; placeOf: (index: number) => number }> {
  const scale = node.input(1).constant!;
  const zeroPoint = node.inputs[2]?.constant;
  const [scales, zeros] = [await numbersOf(scale), zeroPoint === undefined ? [] : await numbersOf(zeroPoint)];
  if (scales.length === 1) return { scales, zeros, placeOf: () => 0 };
  const stated = intAttribute(node, "axis", 1);
  const axis = stated < 0 ? stated + shape.length : stated;
  const inner = elementCount(shape.slice(axis + 1));
  const size = shape[axis] ?? 1;
  const block = intAttribute(node, "block_size", 0);
  if (block === 0) return { scales, zeros, placeOf: (index) => Math.floor(index / inner) % size };
  const blocks = Math.ceil(size / block);
  const placeOf = (index: number) => {
    const outer = Math.floor(index / (inner * size));
    const along = Math.floor((Math.floor(index / inner) % size) / block);
    return (outer * blocks + along) * inner + (index % inner);
  };
  return { scales, zeros, placeOf };
}

async function quantized(node: OnnxNode, tensor: Tensor): Promise<Calculated | undefined> {
  const parameters = await quantParameters(node);
  if (parameters === undefined) return undefined;
  const { scales, scaleShape, zeroPoint, least, most } = parameters;
  const places = broadcastPlaces(scaleShape, tensor.shape);
  const values = Float32Array.from(await numbersOf(tensor), (value, index) => {
    const scale = scales[places[index]!]!;
    const code = Math.min(Math.max(evenly(Math.fround(value / scale) + zeroPoint), least), most);
    return (code - zeroPoint) * scale;
  });
  const fits = zeroPoint === 0 && least >= -128 && most <= 127;
  return { tensor: floatTensor(tensor.shape, values), step: fits ? largestOf(scales) : undefined };
}

/** The nearest whole number, ties to even. */
function evenly(value: number): number {
  return value + EVEN - EVEN;
}

const EVEN = 1.5 * 2 ** 52;

function largestOf(values: ArrayLike<number>): number {
  return Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
