import { executionOrder } from "../graph/execution-order.ts";
import { BoltqError } from "../io/error.ts";
import { requireSaneAttributes, requireWeightShapes } from "./attribute-limits.ts";
import type { OnnxGraph, OnnxNode, OnnxValue } from "./model.ts";
import { arityOf, requiredInputs } from "./operator-arity.ts";
import { subgraphsOf } from "./subgraphs.ts";

/**
 * Makes sure that a graph just read, with its subgraphs, is one that can be worked on: each value comes from one place,
 * known operators have the inputs, outputs and attributes that they can have, nothing goes in a circle. Operators that are
 * only out of order are put in order; those that share a name get one of their own (in the main graph, where plans and
 * Bolt's weights go by it). Throws BoltqError `invalid-graph` that names the operator.
 */
export function settleStructure(main: OnnxGraph): void {
  checkGraph(main);
  nameApart(main.graph.nodes);
}

function checkGraph(checked: OnnxGraph): void {
  const { graph, initializers } = checked;
  for (const value of [...graph.inputs, ...initializers]) refuseSecondProducer(value);
  for (const node of graph.nodes) {
    checkNode(node);
    for (const inner of subgraphsOf(node)) checkGraph(inner);
  }
  arrangeNodes(checked);
}

/**
 * Puts the nodes of a graph, without its subgraphs, in an order in which each stands behind those whose results it reads.
 * A graph that is in order stays as it is. Throws BoltqError `invalid-graph` for a circle.
 */
export function arrangeNodes({ graph }: OnnxGraph): void {
  const order = executionOrder(graph.nodes, readsOf);
  if (order.some((node, index) => node !== graph.nodes[index])) graph.arrange(order);
}

function refuseSecondProducer({ name, producer }: OnnxValue): void {
  if (producer === undefined) return;
  throw new BoltqError("invalid-graph", `its output "${name}" is an input or a constant of the graph already`, {
    subject: `operator "${producer.name}" (${producer.type})`,
    remedy: "Give each value one name of its own, or export the model again",
  });
}

/** What a node needs to run: its inputs, and what its subgraphs read from around them. */
function* readsOf(node: OnnxNode): Iterable<OnnxValue | undefined> {
  yield* node.inputs;
  for (const { graph } of subgraphsOf(node)) {
    for (const inner of graph.nodes) yield* readsOf(inner);
    yield* graph.outputs;
  }
}

function checkNode(node: OnnxNode): void {
  if (node.data.domain !== "") return;
  try {
    checkArity(node);
    checkBranches(node);
    requireSaneAttributes(node);
    requireWeightShapes(node);
  } catch (error) {
    const subject = `operator "${node.name}" (${node.type})`;
    throw error instanceof BoltqError ? error.within({ subject, remedy: "Export the model again" }) : error;
  }
}

function checkArity(node: OnnxNode): void {
  const arity = arityOf(node.type);
  if (arity === undefined) return;
  const inputs = node.inputs.findLastIndex((input) => input !== undefined) + 1;
  const outputs = node.outputs.findLastIndex(({ name }) => name !== "") + 1;
  if (inputs > arity.mostInputs || outputs > arity.mostOutputs || outputs < arity.leastOutputs) {
    throw new BoltqError("invalid-graph", `it has ${inputs} inputs and ${outputs} outputs, which it cannot have`);
  }
  const missing = Array.from({ length: requiredInputs(node.type) }, (_, index) => node.inputs[index]).indexOf(
    undefined,
  );
  if (missing >= 0) throw new BoltqError("invalid-graph", `input ${missing} is missing`);
}

/** Attributes that hold the graphs that an operator cannot do without. */
const BRANCHES: Readonly<Record<string, readonly string[] | undefined>> = {
  If: ["then_branch", "else_branch"],
  Loop: ["body"],
  Scan: ["body"],
};

function checkBranches(node: OnnxNode): void {
  const missing = BRANCHES[node.type]?.find((name) => node.data.attributes.get(name)?.kind !== "graph");
  if (missing !== undefined) throw new BoltqError("invalid-graph", `its branch "${missing}" is missing`);
}

/** Operators without a name go by their first output's. */
function nameApart(nodes: readonly OnnxNode[]): void {
  const called = (node: OnnxNode) => node.name || (node.outputs[0]?.name ?? "");
  const taken = new Set<string>();
  const twice = nodes.filter((node) => {
    const known = taken.has(called(node));
    taken.add(called(node));
    return known;
  });
  for (const node of twice) {
    const name = called(node);
    for (let count = 2; taken.has(called(node)); count++) node.name = `${name}_${count}`;
    taken.add(node.name);
  }
}
