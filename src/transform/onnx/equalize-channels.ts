import type { Tensor } from "../../graph/tensor.ts";
import { BoltqError } from "../../io/error.ts";
import { intAttribute } from "../../onnx/attributes.ts";
import type { OnnxModel, OnnxNode, OnnxValue } from "../../onnx/model.ts";
import { float32Of, floatTensor } from "../../onnx/tensor-data.ts";
import { type ChannelClasses, channelClasses } from "./channel-classes.ts";

/** What an operator's weights are multiplied by: by output channel, and divided by, by input channel. */
export interface ChannelScaling {
  readonly operator: string;
  readonly made?: readonly number[] | undefined;
  readonly read?: readonly number[] | undefined;
}

/** How far channels are scaled. */
export interface EqualizeOptions {
  /**
   * How far channels are filled: 1 scales each until it reaches as far as the widest (or as an activation lets it), 0 not at
   * all; of channels that weights with one scale for many channels read. Default 0.5.
   */
  readonly filling?: number;
  /** Most that a channel is scaled by. Default 16. */
  readonly mostFactor?: number;
  /** Numbers that were seen of each of a value's channels. Channels that were seen in few are left alone. Default: enough. */
  readonly numbersOf?: (value: OnnxValue) => number | undefined;
}

/** What was seen of a channel may be exceeded by so much: it is not scaled up to the limit. */
export const MARGIN = 1.1;

/** Channels that come this near to the limit of their activation are left alone. */
export const REACHED = 0.999;

/**
 * Scales channels that reach less far than others of their tensor up, and what reads them down, so that all use the range
 * that they share in a quantized tensor (Nagel et al. 2019, by ranges of activations instead of weights). The network gives
 * the same but for rounding, and where an activation's upper limit is reached by what was not seen. `magnitudesOf` gives the
 * largest magnitudes of a value's channels. Undefined where there is nothing to scale.
 */
export async function equalizeChannels(
  model: OnnxModel,
  magnitudesOf: (value: OnnxValue) => readonly number[] | undefined,
  options: EqualizeOptions = {},
): Promise<ScaledChannels | undefined> {
  const classes = await channelClasses(model);
  return scaleClasses(model, classes, classFactors(model, classes, magnitudesOf, options));
}

/** What was scaled, and what undoes it. */
export interface ScaledChannels {
  readonly scalings: readonly ChannelScaling[];
  readonly undo: () => void;
}

/** Scales channels by the factors of their classes. Undefined where there is nothing to scale. */
export async function scaleClasses(
  model: OnnxModel,
  classes: ChannelClasses,
  factors: ReadonlyMap<number, number>,
): Promise<ScaledChannels | undefined> {
  if (factors.size === 0) return undefined;
  const scalings = model.main.graph.nodes.flatMap((node): ChannelScaling[] => {
    if (!isScalable(node)) return [];
    const read = factorsOf(node.inputs[0], classes, factors);
    const made = factorsOf(node.outputs[0], classes, factors);
    return read === undefined && made === undefined ? [] : [{ operator: node.name, read, made }];
  });
  return { scalings, undo: await scaleChannels(model, scalings) };
}

/**
 * Scales the weights of the operators named, in the order given. Returns a function that undoes it. Throws BoltqError `mismatch`
 * where there is no such operator, or it has other channels.
 */
export async function scaleChannels(model: OnnxModel, scalings: readonly ChannelScaling[]): Promise<() => void> {
  const nodes = new Map(model.main.graph.nodes.map((node) => [node.name, node]));
  const before: [OnnxValue, Tensor][] = [];
  for (const { operator, read, made } of scalings) {
    const node = nodes.get(operator);
    const [outputs, inputs] = node === undefined || !isScalable(node) ? [] : channelsOfWeight(node);
    if (node === undefined || (made?.length ?? outputs) !== outputs || (read?.length ?? inputs) !== inputs) {
      throw new BoltqError("mismatch", `there is no operator "${operator}" whose channels could be scaled so`, {
        remedy: "Give the plan of this model",
      });
    }
    for (const value of node.inputs.slice(1))
      if (value?.constant !== undefined) before.unshift([value, value.constant]);
    await scaleWeights(node, read, made);
  }
  return () => {
    for (const [value, constant] of before) value.constant = constant;
  };
}

function isScalable({ type, inputs }: OnnxNode): boolean {
  return (type === "Conv" || type === "Gemm") && inputs[1]?.constant?.type === "float32";
}

/** How many output and input channels the weight of a Conv or Gemm has. */
function channelsOfWeight(node: OnnxNode): readonly (number | undefined)[] {
  const [rows, columns = 1] = node.input(1).constant!.shape;
  if (node.type === "Conv") return [rows, columns * intAttribute(node, "group", 1)];
  return intAttribute(node, "transB", 0) === 1 ? [rows, columns] : [columns, rows];
}

/** By class; those that stay are left out. */
function classFactors(
  model: OnnxModel,
  classes: ChannelClasses,
  magnitudesOf: (value: OnnxValue) => readonly number[] | undefined,
  { filling = 0.5, mostFactor = 16, numbersOf = () => undefined }: EqualizeOptions,
): Map<number, number> {
  const { largest, widest } = classMagnitudes(model, classes, magnitudesOf);
  const unsure = unsureClasses(model, classes, numbersOf);
  const factors = new Map<number, number>();
  for (const [of, magnitude] of largest) {
    if (!classes.isFree(of) || unsure.has(of) || !(magnitude > 0)) continue;
    const limit = classes.limitOf(of);
    if (magnitude >= REACHED * limit) continue;
    const room = Math.min(limit, widest.get(of)!) / (magnitude * MARGIN);
    const power = classes.isReadByDepthwiseAlone(of) ? 1 : filling;
    const factor = Math.fround(Math.min(room ** power, mostFactor));
    if (factor > 1) factors.set(of, factor);
  }
  return factors;
}

/** Fewer numbers of a channel say too little of how far it reaches: one that fires for a rare class alone would be scaled up, and cut. */
const LEAST_NUMBERS = 4096;

function unsureClasses(
  model: OnnxModel,
  classes: ChannelClasses,
  numbersOf: (value: OnnxValue) => number | undefined,
): Set<number> {
  const unsure = new Set<number>();
  for (const value of model.main.graph.nodes.flatMap(({ outputs }) => outputs)) {
    if ((numbersOf(value) ?? LEAST_NUMBERS) >= LEAST_NUMBERS) continue;
    for (let channel = 0; channel < classes.channelsOf(value); channel++) unsure.add(classes.classOf(value, channel)!);
  }
  return unsure;
}

/** By class: the largest magnitude of its channels, and that of the values they are channels of. */
export function classMagnitudes(
  model: OnnxModel,
  classes: ChannelClasses,
  magnitudesOf: (value: OnnxValue) => readonly number[] | undefined,
): { readonly largest: ReadonlyMap<number, number>; readonly widest: ReadonlyMap<number, number> } {
  const largest = new Map<number, number>();
  const widest = new Map<number, number>();
  for (const value of model.main.graph.nodes.flatMap(({ outputs }) => outputs)) {
    const magnitudes = magnitudesOf(value);
    if (magnitudes?.length !== classes.channelsOf(value)) continue;
    const most = Math.max(...magnitudes);
    magnitudes.forEach((magnitude, channel) => {
      const of = classes.classOf(value, channel)!;
      largest.set(of, Math.max(largest.get(of) ?? 0, magnitude));
      widest.set(of, Math.max(widest.get(of) ?? 0, most));
    });
  }
  return { largest, widest };
}

/** By channel of the value; undefined where none is scaled. */
function factorsOf(
  value: OnnxValue | undefined,
  classes: ChannelClasses,
  factors: ReadonlyMap<number, number>,
): number[] | undefined {
  if (value === undefined || classes.channelsOf(value) === 0) return undefined;
  const found = Array.from(
    { length: classes.channelsOf(value) },
    (_, channel) => factors.get(classes.classOf(value, channel)!) ?? 1,
  );
  return found.some((factor) => factor !== 1) ? found : undefined;
}

async function scaleWeights(
  node: OnnxNode,
  read: readonly number[] | undefined,
  made: readonly number[] | undefined,
): Promise<void> {
  const value = node.input(1);
  const { shape } = value.constant!;
  const weight = await float32Of(value.constant!);
  const place = placeIn(node, shape);
  value.constant = floatTensor(
    shape,
    weight.map((number, index) => {
      const [output, input] = place(index);
      return (number * (made?.[output] ?? 1)) / (read?.[input] ?? 1);
    }),
  );
  const bias = node.inputs[2];
  if (bias?.constant === undefined || made === undefined) return;
  const numbers = await float32Of(bias.constant);
  bias.constant = floatTensor(
    bias.constant.shape,
    numbers.map((number, output) => number * made[output]!),
  );
}

/** The output and input channel that an element of a weight is of. */
export function placeIn(node: OnnxNode, shape: readonly number[]): (index: number) => readonly [number, number] {
  const [rows = 1, columns = 1] = shape;
  if (node.type === "Gemm") {
    return intAttribute(node, "transB", 0) === 1
      ? (index) => [Math.floor(index / columns), index % columns]
      : (index) => [index % columns, Math.floor(index / columns)];
  }
  const kernel = shape.slice(2).reduce((product, size) => product * size, 1);
  const perGroup = rows / intAttribute(node, "group", 1);
  return (index) => {
    const output = Math.floor(index / (kernel * columns));
    const within = Math.floor(index / kernel) % columns;
    return [output, Math.floor(output / perGroup) * columns + within];
  };
}
