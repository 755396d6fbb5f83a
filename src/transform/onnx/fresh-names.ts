import type { OnnxGraph, OnnxModel } from "../../onnx/model.ts";

/** Gives names that nothing in a model bears yet, its subgraphs included. */
export class FreshNames {
  readonly #taken = new Set<string>();

  constructor(model: OnnxModel) {
    this.#take(model.main);
  }

  /** `wanted`, or `wanted_2`, `wanted_3` … where that is taken; taken from now on. */
  next(wanted: string): string {
    let name = wanted;
    for (let count = 2; this.#taken.has(name); count++) name = `${wanted}_${count}`;
    this.#taken.add(name);
    return name;
  }

  #take({ graph, initializers }: OnnxGraph): void {
    for (const { name } of [...graph.inputs, ...initializers]) this.#taken.add(name);
    for (const node of graph.nodes) {
      this.#taken.add(node.name);
      for (const { name } of node.outputs) this.#taken.add(name);
      for (const attribute of node.data.attributes.values()) {
        if (attribute.kind === "graph") this.#take(attribute.value);
        if (attribute.kind === "graphs") for (const inner of attribute.value) this.#take(inner);
      }
    }
  }
}
