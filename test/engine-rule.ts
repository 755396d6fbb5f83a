import { lastSlot, slotAt } from "../src/bolt/label.ts";
import type { BoltModel, BoltNode, BoltValue, BoltWeight } from "../src/bolt/model.ts";

/**
 * What Bolt's engine of 1.5 computes on x86, written anew from its rule and in no hurry: an input of an int8 operator has the scale max(stored, 127 / its
 * largest magnitude), sums of products are whole numbers, and outputs in int8 get a scale of their own, whatever is stored.
 * Knows the operators of small networks of convolutions.
 */
export async function runAsEngine(model: BoltModel, input: Numbers): Promise<Numbers> {
  const values = new Map<BoltValue, Held>([[model.graph.inputs[0]!, input]]);
  const isInt8 = model.dataType !== "F32";
  for (const node of model.graph.nodes) {
    const inputs = node.inputs.map((value) => values.get(value!)!);
    values.set(node.output(), await OPERATORS[node.type]!({ node, inputs, weight: model.weights.of(node), isInt8 }));
  }
  return real(values.get(model.graph.outputs[0]!)!);
}

/** Numbers with channels first. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Whole numbers from −127 to 127; `scale` of them are 1. */
interface Levels extends Numbers {
  readonly scale: number;
}

type Held = Numbers | Levels;

interface Task {
  readonly node: BoltNode;
  readonly inputs: readonly Held[];
  readonly weight: BoltWeight | undefined;
  /** Whether labelled operators compute in int8. */
  readonly isInt8: boolean;
}

const OPERATORS: Readonly<Record<string, (task: Task) => Held | Promise<Held>>> = {
  QuantizeLinear: ({ node, inputs: [input] }) => quantized(real(input!), storedScale(lastSlot(node))),
  Conv: convolve,
  FC: multiply,
  Pooling: ({ node, inputs: [input] }) => pool(node, input!),
  Eltwise: (task) => stored(task, add(task)),
  Flatten: ({ inputs: [input] }) => ({ ...input!, shape: [input!.shape[0]!, input!.values.length / input!.shape[0]!] }),
  Softmax: ({ inputs: [input] }) => softmax(real(input!)),
};

const MOST_LEVEL = 127;

function storedScale(slot: ReturnType<typeof slotAt>): number {
  return typeof slot === "number" ? slot : 0;
}

function quantized(input: Numbers, stated = 0): Levels {
  const largest = input.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const scale = Math.max(stated, largest === 0 ? 1 : Math.fround(MOST_LEVEL / largest));
  return { shape: input.shape, scale, values: input.values.map((value) => level(Math.fround(value * scale))) };
}

function level(scaled: number): number {
  return Math.min(Math.max(evenly(scaled), -MOST_LEVEL), MOST_LEVEL);
}

function evenly(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

function real(held: Held): Numbers {
  if (!("scale" in held)) return held;
  return { shape: held.shape, values: held.values.map((value) => value / held.scale) };
}

/** As the operator's label says: int8 for those that read it, or float. */
function stored({ node, isInt8 }: Task, result: Numbers): Held {
  const slot = isInt8 ? lastSlot(node) : undefined;
  return slot === "int8" || typeof slot === "number" ? quantized(result) : result;
}

function computesInInt8({ node, isInt8 }: Task): boolean {
  return isInt8 && node.data.scales.length > 0 && lastSlot(node) !== "float" && lastSlot(node) !== "float-around";
}

interface Factors {
  readonly input: Held;
  /** What products are divided by. */
  readonly scale: number;
  readonly weight: Float32Array;
  /** In units of the products. */
  readonly bias: Float32Array;
}

/** What is multiplied: levels and whole biases, or plain numbers with the scale 1. */
async function factors(task: Task, outputs: number, inInt8: boolean): Promise<Factors> {
  const { node, inputs, weight } = task;
  const [bytes, vector] = [await weight!.weight.read(), await weight!.vector.read()];
  const isLevels = weight!.dataType === "I8" || weight!.dataType === "F32_8Q";
  const weightScale = weight!.scales[0]?.[0] ?? 1;
  const numbers = isLevels ? Float32Array.from(new Int8Array(bytes.slice().buffer)) : floats(bytes);
  const bias = vector.length === 0 ? new Float32Array(outputs) : floats(vector);
  if (!inInt8) {
    const plain = isLevels ? numbers.map((value) => value / weightScale) : numbers;
    return { input: real(inputs[0]!), scale: 1, weight: plain, bias };
  }
  const { values, scale: scaleOfWeight } = isLevels
    ? { values: numbers, scale: weightScale }
    : quantized({ shape: [], values: numbers });
  const [first] = inputs;
  const input = "scale" in first! ? first : quantized(first!, storedScale(slotAt(node, 0)));
  const scale = input.scale * scaleOfWeight;
  return { input, scale, weight: values, bias: bias.map((value) => Math.round(value * scale)) };
}

function floats(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}

const field = (node: BoltNode, name: Parameters<BoltNode["data"]["parameters"]["number"]>[0]) =>
  node.data.parameters.number(name);

interface Window {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly before: readonly [number, number];
  readonly after: readonly [number, number];
}

function windowOf(node: BoltNode): Window {
  return {
    kernel: [field(node, "kernel_h"), field(node, "kernel_w")],
    stride: [field(node, "stride_h"), field(node, "stride_w")],
    before: [field(node, "pad_top"), field(node, "pad_left")],
    after: [field(node, "pad_bottom"), field(node, "pad_right")],
  };
}

function outputSize(size: number, axis: 0 | 1, { kernel, stride, before, after }: Window, round = Math.floor): number {
  return round((size + before[axis] + after[axis] - kernel[axis]) / stride[axis]) + 1;
}

/** The places of the kernel that lie inside along an axis: [input, kernel] pairs. */
function inside(place: number, size: number, axis: 0 | 1, { kernel, stride, before }: Window): [number, number][] {
  const start = place * stride[axis] - before[axis];
  return Array.from({ length: kernel[axis] }, (_, offset): [number, number] => [start + offset, offset]).filter(
    ([at]) => at >= 0 && at < size,
  );
}

async function convolve(task: Task): Promise<Held> {
  const { node } = task;
  const outputs = field(node, "num_outputs");
  const isDepthwise = node.data.parameters.name("convolution_type").startsWith("DEPTHWISE");
  // A depthwise convolution is computed in float even where it is labelled.
  const parts = await factors(task, outputs, computesInInt8(task) && !isDepthwise);
  const [, channels, height, width] = parts.input.shape as [number, number, number, number];
  const group = isDepthwise ? channels : field(node, "group");
  const window = windowOf(node);
  const [kernelHeight, kernelWidth] = window.kernel;
  const [rows, columns] = [outputSize(height, 0, window), outputSize(width, 1, window)];
  const perGroup = channels / group;
  const values = new Float32Array(outputs * rows * columns);
  const [rowPlaces, columnPlaces] = [
    Array.from({ length: rows }, (_, row) => inside(row, height, 0, window)),
    Array.from({ length: columns }, (_, column) => inside(column, width, 1, window)),
  ];
  for (let output = 0, at = 0; output < outputs; output++) {
    const first = Math.floor(output / (outputs / group)) * perGroup;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, at++) {
        let sum = 0;
        for (let channel = 0; channel < perGroup; channel++) {
          const plane = (first + channel) * height;
          const weights = (output * perGroup + channel) * kernelHeight;
          for (const [y, kernelRow] of rowPlaces[row]!) {
            for (const [x, kernelColumn] of columnPlaces[column]!)
              sum +=
                parts.input.values[(plane + y) * width + x]! *
                parts.weight[(weights + kernelRow) * kernelWidth + kernelColumn]!;
          }
        }
        values[at] = (sum + parts.bias[output]!) / parts.scale;
      }
    }
  }
  const activation = node.data.parameters.name(isDepthwise ? "dw_activation_type" : "pw_activation_type");
  return stored(task, activated({ shape: [1, outputs, rows, columns], values }, activation));
}

async function multiply(task: Task): Promise<Held> {
  const outputs = field(task.node, "num_outputs");
  const { input, scale, weight, bias } = await factors(task, outputs, computesInInt8(task));
  const depth = input.values.length;
  const values = Float32Array.from({ length: outputs }, (_, output) => {
    const sum = input.values.reduce((total, value, index) => total + value * weight[output * depth + index]!, 0);
    return (sum + bias[output]!) / scale;
  });
  return stored(task, { shape: [1, outputs], values });
}

function activated(result: Numbers, activation: string): Numbers {
  if (activation === "NULL") return result;
  if (activation === "RELU") return { ...result, values: result.values.map((value) => Math.max(value, 0)) };
  throw new Error(`the rule is not written for ${activation}`);
}

/** Of int8 levels too: the largest, or (in float) the mean. */
function pool(node: BoltNode, input: Held): Held {
  const isMean = node.data.parameters.name("mode") === "MEAN";
  const source = isMean ? real(input) : input;
  const [, channels, height, width] = source.shape as [number, number, number, number];
  const stated = windowOf(node);
  const window = stated.kernel[0] === 0 ? { ...stated, kernel: [height, width] as const } : stated;
  const round = node.data.parameters.name("round_mode") === "CEIL" ? Math.ceil : Math.floor;
  const [rows, columns] = [outputSize(height, 0, window, round), outputSize(width, 1, window, round)];
  const values = Float32Array.from({ length: channels * rows * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns) % rows, at % columns];
    const plane = Math.floor(at / (rows * columns)) * height;
    const seen = inside(row, height, 0, window).flatMap(([y]) =>
      inside(column, width, 1, window).map(([x]) => source.values[(plane + y) * width + x]!),
    );
    return isMean ? seen.reduce((sum, value) => sum + value, 0) / seen.length : Math.max(...seen);
  });
  return { ...source, shape: [1, channels, rows, columns], values };
}

function add({ node, inputs }: Task): Numbers {
  const [left, right] = inputs.map(real);
  const sum = { shape: left!.shape, values: left!.values.map((value, index) => value + right!.values[index]!) };
  return activated(sum, node.data.parameters.name("activation_type"));
}

function softmax({ shape, values }: Numbers): Numbers {
  const most = values.reduce((largest, value) => Math.max(largest, value), Number.NEGATIVE_INFINITY);
  const powers = values.map((value) => Math.exp(value - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return { shape, values: powers.map((power) => power / sum) };
}
