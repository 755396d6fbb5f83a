import { BoltqError } from "../../io/error.ts";
import { subjectOf, type TensorflowFunction, type TensorflowGraph, type TensorflowNode } from "./node.ts";

/** Calls in calls, and operators that come of them: more than any real graph has. */
const MOST_DEPTH = 32;
const MOST_NODES = 500_000;

const CALLS: ReadonlySet<string> = new Set(["PartitionedCall", "StatefulPartitionedCall"]);

/**
 * The graph with the operators of its functions in place of the calls, called `CALL/OPERATOR`. Throws BoltqError `format`
 * where a function is missing, `limit` where functions call each other without end.
 */
export function inlineFunctions({ nodes, functions }: TensorflowGraph): readonly TensorflowNode[] {
  if (functions.size === 0) return nodes;
  const result: TensorflowNode[] = [];
  const expand = (list: readonly TensorflowNode[], depth: number): void => {
    for (const node of list) {
      const called = calledBy(node, functions);
      if (depth > MOST_DEPTH || result.length > MOST_NODES)
        throw new BoltqError("limit", "functions call each other too often", { subject: subjectOf(node) });
      if (called === undefined) result.push(node);
      else expand(bodyOf(called, node), depth + 1);
    }
  };
  expand(nodes, 0);
  return result;
}

/** A function is called by an operator of its name too. */
function calledBy(
  node: TensorflowNode,
  functions: ReadonlyMap<string, TensorflowFunction>,
): TensorflowFunction | undefined {
  if (!CALLS.has(node.type)) return functions.get(node.type);
  const name = node.attributes.get("f")?.function ?? "";
  const called = functions.get(name);
  if (called !== undefined) return called;
  throw new BoltqError("format", `the function "${name}" is not in the graph`, { subject: subjectOf(node) });
}

/** The operators of a function for one call; the last hands on its results under the name of the call. */
function bodyOf(called: TensorflowFunction, call: TensorflowNode): TensorflowNode[] {
  const inputs = new Map(called.inputs.map((name, index) => [name, call.inputs[index]]));
  const types = new Map(called.nodes.map((node) => [node.name, node.type]));
  const outside = (reference: string): string => {
    const given = inputs.get(reference);
    if (given !== undefined) return given;
    const [name = "", result = "", place = "0"] = reference.split(":");
    const type = types.get(name);
    if (type !== undefined) return `${call.name}/${name}:${flatPlace(type, result, Number(place))}`;
    throw new BoltqError("format", `its function has no "${reference}"`, { subject: subjectOf(call) });
  };
  const nodes = called.nodes.map((node) => ({
    ...node,
    name: `${call.name}/${node.name}`,
    inputs: node.inputs.map(outside),
  }));
  const results = called.outputs.map((name) => outside(called.results.get(name) ?? name));
  return [...nodes, { name: call.name, type: "IdentityN", inputs: results, attributes: new Map() }];
}

/** Inside functions results are stated by name and place; of operators with several names these are not the first. */
const RESULTS: Readonly<Record<string, readonly string[]>> = {
  FusedBatchNorm: ["y", "batch_mean", "batch_variance"],
  FusedBatchNormV2: ["y", "batch_mean", "batch_variance"],
  FusedBatchNormV3: ["y", "batch_mean", "batch_variance"],
  TopKV2: ["values", "indices"],
  Switch: ["output_false", "output_true"],
  Merge: ["output", "value_index"],
};

function flatPlace(type: string, result: string, place: number): number {
  const named = Object.hasOwn(RESULTS, type) ? RESULTS[type]!.indexOf(result) : 0;
  return named > 0 ? named : place;
}
