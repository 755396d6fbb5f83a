import type { Graph, Node } from "./graph.ts";

/** What told a node's place and meaning at one moment. */
interface NodeState {
  readonly label: string;
  readonly type: string;
  readonly edges: readonly unknown[];
}

function stateOf(node: Node<never>): NodeState {
  return { label: `${node.type} "${node.name}"`, type: node.type, edges: [...node.inputs, null, ...node.outputs] };
}

/**
 * Remembers the nodes of a graph. The function that it returns names those that have changed since: other type, inputs or
 * outputs, new, or gone (as they were called before). Attributes and weights are not looked at.
 */
export function watchNodes<Data>(graph: Graph<Data>): () => string[] {
  const states = () => new Map((graph.nodes as readonly Node<never>[]).map((node) => [node, stateOf(node)]));
  const before = states();
  return () => {
    const after = states();
    const gone = [...before].filter(([node]) => !after.has(node)).map(([, { label }]) => label);
    const changed = [...after].flatMap(([node, state]) => {
      const old = before.get(node);
      return old !== undefined && isSame(old, state) ? [] : [(old ?? state).label];
    });
    return [...gone, ...changed];
  };
}

function isSame(one: NodeState, other: NodeState): boolean {
  const { edges } = other;
  return (
    one.type === other.type &&
    one.edges.length === edges.length &&
    one.edges.every((edge, index) => edge === edges[index])
  );
}
