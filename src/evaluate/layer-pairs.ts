import type { Model } from "../convert/model-file.ts";
import type { Graph, Node, Value } from "../graph/graph.ts";

/** Names of the same value in two models. */
export type NamePair = readonly [string, string];

/** Nodes that make no layer of their own: constants, and what only changes the number format. */
const NO_LAYERS: ReadonlySet<string> = new Set([
  "Constant",
  "SharedWeight",
  "QuantizeLinear",
  "DequantizeLinear",
  "Input",
]);

/** Element-wise operators that tools fuse into the operator before; the name of the value between then stands for both. */
const FUSIBLE: ReadonlySet<string> = new Set([
  ...["Relu", "LeakyRelu", "PRelu", "Clip", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "Elu", "Softplus", "Gelu"],
  ...["BatchNormalization", "Add", "Sub", "Mul", "Div", "Exp", "Abs", "Neg", "Log", "Sqrt", "Reciprocal", "Identity"],
  ...["Relu6", "HSwish", "HSigmoid", "TanH", "Swish", "Mish", "BatchNorm", "Scale", "Power", "PRelu", "ChannelResize"],
]);

type Layers = ReadonlyMap<string, Value>;

/**
 * The inner values that both models name alike, in the order of the first one's graph. Where one model has an
 * activation or a normalization fused into the operator before it, its value is paired with what comes behind these
 * in the other.
 */
export function layerPairs(reference: Model, other: Model): NamePair[] {
  const [layers, otherLayers] = [layersOf(reference), layersOf(other)];
  const seen = new Set<string>();
  return [...layers].flatMap(([name, value]): NamePair[] => {
    const twin = otherLayers.get(name);
    if (twin === undefined) return [];
    const pair: NamePair = [settled(value, otherLayers), settled(twin, layers)];
    const key = JSON.stringify(pair);
    if (seen.has(key)) return [];
    seen.add(key);
    return [pair];
  });
}

/** Values by name; of several with one name the last. */
function layersOf(model: Model): Layers {
  const graph = (model.format === "bolt" ? model.graph : model.main.graph) as Graph;
  const nodes = graph.nodes.filter(({ type }) => !NO_LAYERS.has(type));
  return new Map(
    nodes.flatMap((node) => node.outputs).flatMap((value) => (value.name === "" ? [] : [[value.name, value]])),
  );
}

/** The name of the value behind the fusible operators that the other model does not have. */
function settled(value: Value, otherLayers: Layers): string {
  let current = value;
  for (let next = fusibleUser(current); next !== undefined; next = fusibleUser(current)) {
    const output = next.output();
    if (otherLayers.has(output.name)) break;
    current = output;
  }
  return current.name;
}

function fusibleUser(value: Value): Node | undefined {
  const [user, ...rest] = value.users;
  if (user === undefined || rest.length > 0 || !FUSIBLE.has(user.type)) return undefined;
  const alone = user.inputs.every((input) => input === value || input === undefined || isConstant(input));
  return alone && user.outputs.length === 1 ? user : undefined;
}

function isConstant(value: Value): boolean {
  return value.constant !== undefined || value.producer?.type === "Constant" || value.producer?.type === "SharedWeight";
}
