import type { BoltModel, BoltValue } from "../../bolt/model.ts";

/**
 * The name that each value has in the raised model. Bolt uses names again in place: the last value that bears a name keeps it, as that is what the
 * original model called so; a graph input always keeps its own.
 */
export function raisedNames(model: BoltModel): Map<BoltValue, string> {
  const names = new Map<BoltValue, string>();
  const taken = new Set<string>();
  const take = (value: BoltValue) => {
    let name = value.name;
    for (let count = 1; taken.has(name); count++) name = `${value.name}@${count}`;
    taken.add(name);
    names.set(value, name);
  };
  model.graph.inputs.forEach(take);
  const outputs = model.graph.nodes.flatMap((node) => node.outputs);
  outputs.reverse().forEach(take);
  return names;
}
