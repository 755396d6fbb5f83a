import { raisedNames } from "../convert/bolt-to-onnx/index.ts";
import type { Model } from "../convert/model-file.ts";
import type { Graph, Node, Value } from "../graph/graph.ts";
import { changesFormat, isLayer } from "./operator-families.ts";
import { fusedReader, type MarkedGraph, type OperatorPairs, pairOperators, partsOfFused } from "./pair-operators.ts";
import { weightMarks } from "./weight-marks.ts";

/** Names of the same value in two models, as they have them when they are run. */
export type NamePair = readonly [string, string];

/** An operator of one model and its counterpart in another. */
export interface LayerPair {
  readonly operator: Node;
  readonly counterpart: Node;
  /** What the two give, by output: behind what one of the models has fused into them, and behind its number format. */
  readonly values: readonly (readonly [Value, Value])[];
  /** The names of these values. */
  readonly names: readonly NamePair[];
}

/** What two models have at the same place. */
export interface LayerPairs {
  /** In the order of the first model's graph. */
  readonly pairs: readonly LayerPair[];
  /** Operators of the first model that have a counterpart, or are fused into one that has. */
  readonly paired: number;
  /** Operators of the first model that compute with what follows from its inputs. */
  readonly operators: number;
}

/**
 * Pairs the operators of two models by their place, see `pairOperators`, and the values that they give. Where one model has an activation or
 * a normalization fused into the operator before it, that one's value is paired with what comes behind these in the other. A quantized value
 * is the one that its readers get.
 */
export async function layerPairs(reference: Model, other: Model): Promise<LayerPairs> {
  const [first, second] = [await markedGraph(reference), await markedGraph(other)];
  const matched = pairOperators(first, second);
  const taken = new Set(matched.values());
  const [nameOf, otherNameOf] = [namesOf(reference), namesOf(other)];
  const fused = new Set<Node>();
  const pairs = [...matched].map(([operator, counterpart]): LayerPair => {
    const values = operator.outputs.flatMap((output, index): [Value, Value][] => {
      const twin = counterpart.outputs[index];
      if (twin === undefined || !(output.used || first.graph.outputs.includes(output))) return [];
      return [[settled(output, first.graph, matched, fused), settled(twin, second.graph, taken)]];
    });
    const names = values.map(([one, two]): NamePair => [nameOf(one), otherNameOf(two)]);
    return { operator, counterpart, values, names };
  });
  const operators = first.graph.nodes.filter(isLayer);
  const parts = partsOfFused(first.graph, matched);
  return {
    pairs,
    paired: operators.filter((node) => matched.has(node) || fused.has(node) || parts.has(node)).length,
    operators: operators.length,
  };
}

/** The names of the values at the same place, each pair once. */
export function namePairs({ pairs }: LayerPairs): NamePair[] {
  return [...new Map(pairs.flatMap(({ names }) => names).map((pair) => [JSON.stringify(pair), pair])).values()];
}

async function markedGraph(model: Model): Promise<MarkedGraph> {
  const graph = (model.format === "bolt" ? model.graph : model.main.graph) as Graph;
  return { graph, marks: await weightMarks(model) };
}

function namesOf(model: Model): (value: Value) => string {
  if (model.format === "onnx") return ({ name }) => name;
  const names = raisedNames(model) as ReadonlyMap<Value, string>;
  return (value) => names.get(value) ?? value.name;
}

type Known = Pick<OperatorPairs, "has"> | ReadonlySet<Node>;

/** The value behind the fusible operators that the other graph does not have, and behind changes of its number format. */
function settled(value: Value, graph: Graph, paired: Known, fused?: Set<Node>): Value {
  let current = withoutFormat(value, graph);
  while (!graph.outputs.includes(current)) {
    const reader = fusedReader(current, (node) => paired.has(node));
    if (reader === undefined) return current;
    fused?.add(reader);
    current = withoutFormat(reader.output(), graph);
  }
  return current;
}

/** What the readers of a value get: behind its QuantizeLinear and DequantizeLinear, where all of them stand behind these. */
function withoutFormat(value: Value, graph: Graph): Value {
  let current = value;
  let back = value;
  while (!graph.outputs.includes(current) && current.users.length === 1) {
    const [user] = current.users as [Node];
    const [output] = user.outputs;
    if (!changesFormat(user) || output === undefined || !output.used) break;
    current = output;
    if (user.type !== "QuantizeLinear" && user.type !== "DynamicQuantizeLinear") back = current;
  }
  return back;
}
