import type { OnnxModel, OnnxValue } from "../../onnx/model.ts";
import { float32Of } from "../../onnx/tensor-data.ts";
import { type ChannelClasses, channelClasses } from "./channel-classes.ts";
import { classMagnitudes, MARGIN, placeIn, REACHED, type ScaledChannels, scaleClasses } from "./equalize-channels.ts";

/** Most that a channel is scaled up or down by. */
const MOST_FACTOR = 1000;

const SWEEPS = 40;

/** Largest magnitude of the weights between two channels' classes; undefined: a channel that no factor reaches. */
interface Connection {
  readonly made: number | undefined;
  readonly read: number | undefined;
  readonly magnitude: number;
}

/**
 * Scales channels so that the weights which make them and those which read them reach equally far into the ranges of their
 * tensors (Nagel et al. 2019): for weights with one scale for many channels. Activations may come to use less of their range.
 * `magnitudesOf` gives the largest magnitudes of a value's channels: those cut off by an activation stay as they are.
 * Undefined where there is nothing to scale.
 */
export async function equalizeWeights(
  model: OnnxModel,
  magnitudesOf: (value: OnnxValue) => readonly number[] | undefined,
): Promise<ScaledChannels | undefined> {
  const classes = await channelClasses(model);
  const weights = await connectionsOf(model, classes);
  const { largest } = classMagnitudes(model, classes, magnitudesOf);
  const mostOf = (of: number) => {
    const limit = classes.limitOf(of);
    if (limit === Number.POSITIVE_INFINITY) return MOST_FACTOR;
    const magnitude = largest.get(of) ?? limit;
    return magnitude >= REACHED * limit ? undefined : Math.max(1, Math.min(MOST_FACTOR, limit / (magnitude * MARGIN)));
  };
  const most = new Map<number, number>();
  for (const of of new Set(weights.flat().flatMap(({ made, read }) => [made, read]))) {
    const limit = of === undefined || !classes.isFree(of) ? undefined : mostOf(of);
    if (limit !== undefined) most.set(of!, limit);
  }
  const factors = new Map<number, number>();
  for (let sweep = 0; sweep < SWEEPS; sweep++) balance(weights, factors, most);
  return scaleClasses(model, classes, new Map([...factors].map(([of, factor]) => [of, Math.fround(factor)])));
}

/** By weight. */
async function connectionsOf(model: OnnxModel, classes: ChannelClasses): Promise<Connection[][]> {
  const found: Connection[][] = [];
  for (const node of model.main.graph.nodes) {
    const constant = node.type === "Conv" || node.type === "Gemm" ? node.inputs[1]?.constant : undefined;
    if (constant?.type !== "float32") continue;
    const place = placeIn(node, constant.shape);
    const pairs = new Map<string, Connection>();
    (await float32Of(constant)).forEach((number, index) => {
      const [output, input] = place(index);
      const key = `${output} ${input}`;
      const magnitude = Math.max(Math.abs(number), pairs.get(key)?.magnitude ?? 0);
      const [made, read] = [classes.classOf(node.output(), output), classes.classOf(node.input(0), input)];
      pairs.set(key, { made, read, magnitude });
    });
    found.push([...pairs.values()]);
  }
  return found;
}

/** Moves the factors half the way to where the classes' makers and readers reach equally far. */
function balance(
  weights: readonly (readonly Connection[])[],
  factors: Map<number, number>,
  most: ReadonlyMap<number, number>,
): void {
  const factorOf = (of: number | undefined) => (of === undefined ? 1 : (factors.get(of) ?? 1));
  const makers = new Map<number, number>();
  const readers = new Map<number, number>();
  const raise = (reach: Map<number, number>, of: number | undefined, value: number) => {
    if (of !== undefined && most.has(of)) reach.set(of, Math.max(reach.get(of) ?? 0, value));
  };
  for (const connections of weights) {
    const scaled = connections.map(({ made, read, magnitude }) => (magnitude * factorOf(made)) / factorOf(read));
    const widest = scaled.reduce((one, other) => Math.max(one, other), 0);
    connections.forEach(({ made, read }, index) => {
      raise(makers, made, scaled[index]! / widest);
      raise(readers, read, scaled[index]! / widest);
    });
  }
  for (const [of, made] of makers) {
    const read = readers.get(of) ?? 0;
    if (!(made > 0 && read > 0)) continue;
    const factor = factorOf(of) * (read / made) ** 0.25;
    factors.set(of, Math.min(Math.max(factor, 1 / MOST_FACTOR), most.get(of)!));
  }
}
