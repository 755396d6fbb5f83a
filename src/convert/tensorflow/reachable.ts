import { BoltqError } from "../../io/error.ts";
import { parseReference, subjectOf, type TensorflowNode } from "./node.ts";

/** What is computed for nobody: checks, writing, reporting, saving, learning. */
const DROPPED =
  /^(NoOp|Assert|Print(V2)?|.*Summary(V2)?|Save(V2|Slices)?|Restore(V2|Slice)?|MergeV2Checkpoints|Assign.*|Apply.*|ResourceApply.*)$/;

const INPUT_TYPES: ReadonlySet<string> = new Set(["Placeholder", "PlaceholderV2"]);

/** Whether an operator is an input of the network. */
export function isInput({ type }: TensorflowNode): boolean {
  return INPUT_TYPES.has(type);
}

/** The operators that the results depend on, each behind what it reads, and the results: operators whose values nothing reads. */
export interface Reachable {
  readonly ordered: readonly TensorflowNode[];
  readonly results: readonly TensorflowNode[];
}

/** Throws BoltqError `format` where an operator reads what is not there, or what depends on itself. */
export function reachable(nodes: readonly TensorflowNode[]): Reachable {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const read = new Set(nodes.flatMap(({ inputs }) => inputs.map((input) => parseReference(input)[0])));
  const results = nodes.filter(
    (node) => !read.has(node.name) && node.type !== "Const" && !isInput(node) && !DROPPED.test(node.type),
  );
  if (results.length === 0) {
    throw new BoltqError("format", "the graph computes nothing", {
      remedy: "Give a frozen graph: one in which constants stand for the variables",
    });
  }
  return { ordered: inOrder(results, byName), results };
}

function inOrder(
  results: readonly TensorflowNode[],
  byName: ReadonlyMap<string, TensorflowNode>,
): readonly TensorflowNode[] {
  const ordered: TensorflowNode[] = [];
  const state = new Map<TensorflowNode, "begun" | "done">();
  const stack: TensorflowNode[] = [...results].reverse();
  while (stack.length > 0) {
    const node = stack.at(-1)!;
    if (state.has(node)) {
      stack.pop();
      if (state.get(node) === "begun") ordered.push(node);
      state.set(node, "done");
      continue;
    }
    state.set(node, "begun");
    for (const input of node.inputs.toReversed()) {
      const producer = producerOf(input, node, byName);
      // Loops are told of by the names of their operators.
      if (
        state.get(producer) === "begun" &&
        !/^(NextIteration|Merge)$/.test(node.type) &&
        !/Merge$/.test(producer.type)
      )
        throw new BoltqError("format", "it depends on its own result", { subject: subjectOf(node) });
      if (!state.has(producer)) stack.push(producer);
    }
  }
  return ordered;
}

function producerOf(input: string, node: TensorflowNode, byName: ReadonlyMap<string, TensorflowNode>): TensorflowNode {
  const producer = byName.get(parseReference(input)[0]);
  if (producer !== undefined) return producer;
  throw new BoltqError("format", `it reads "${input}", which is not in the graph`, { subject: subjectOf(node) });
}
