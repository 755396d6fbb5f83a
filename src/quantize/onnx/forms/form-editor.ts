import { Value } from "../../../graph/graph.ts";
import type { ElementType, Tensor } from "../../../graph/tensor.ts";
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxNodeData, OnnxValue } from "../../../onnx/model.ts";
import { type AttributeInits, nodeData } from "../../../onnx/node-data.ts";
import { subgraphsOf } from "../../../onnx/subgraphs.ts";
import { FreshNames } from "../../../transform/onnx/fresh-names.ts";
import type { SharedWork } from "./shared-work.ts";

/** ONNX Runtime's own operators. */
export const MICROSOFT = "com.microsoft";

/** What a new operator is made of; its outputs are new values, or such that there are. */
export interface NewOperator {
  readonly type: string;
  readonly inputs: readonly (OnnxValue | undefined)[];
  readonly attributes?: AttributeInits;
  readonly domain?: string;
}

type CastPlace = { readonly before: OnnxNode } | { readonly after: OnnxNode };

/** Puts operators and constants in the place of others, in a model and its subgraphs. */
export class FormEditor {
  readonly model: OnnxModel;
  readonly shared: SharedWork;
  readonly #names: FreshNames;
  /** The graph that lists an initializer. */
  readonly #owners = new Map<OnnxValue, OnnxGraph>();
  readonly #computed = new Map<OnnxGraph["graph"], Map<OnnxValue, readonly OnnxValue[]>>();
  readonly #shared = new Map<string, readonly OnnxValue[]>();

  constructor(model: OnnxModel, shared: SharedWork) {
    this.model = model;
    this.shared = shared;
    this.#names = new FreshNames(model);
    this.#own(model.main);
  }

  /** Constants that stand beside `weight`, made once for each `key`, whoever reads them. */
  constants(weight: OnnxValue, key: string, make: () => Readonly<Record<string, Tensor>>): readonly OnnxValue[] {
    const whole = `${weight.name}\n${key}`;
    const known = this.#shared.get(whole);
    if (known !== undefined) return known;
    const values = Object.entries(make()).map(([suffix, constant]) => {
      const type = { type: constant.type, shape: constant.shape };
      return new Value<OnnxNodeData>(this.#names.next(`${weight.name}/${suffix}`), { type, constant });
    });
    const owner = this.#owners.get(weight) ?? this.model.main;
    owner.initializers.push(...values);
    this.#shared.set(whole, values);
    return values;
  }

  /** What is computed once in a graph for all that read `value`. */
  once({ graph }: OnnxGraph, value: OnnxValue, make: () => readonly OnnxValue[]): readonly OnnxValue[] {
    const known = this.#computed.get(graph) ?? new Map<OnnxValue, readonly OnnxValue[]>();
    this.#computed.set(graph, known);
    const values = known.get(value) ?? make();
    known.set(value, values);
    return values;
  }

  /** Adds an operator before `next` whose outputs, of the given types, are new and called after `name`. */
  add(
    { graph }: OnnxGraph,
    next: OnnxNode,
    name: string,
    operator: NewOperator,
    types: readonly (ElementType | undefined)[],
  ): OnnxValue[] {
    const outputs = types.map((type, index) => {
      const output = this.#names.next(index === 0 ? name : `${name}_${index}`);
      return new Value<OnnxNodeData>(output, { type: type && { type, shape: undefined } });
    });
    graph.insertBefore(next, this.#init(name, operator, outputs));
    return outputs;
  }

  /** A value of another type that a graph will hold beside `value`. */
  twin({ name, type }: OnnxValue, to: ElementType): OnnxValue {
    return new Value<OnnxNodeData>(this.#names.next(`${name}/${to}`), { type: { type: to, shape: type?.shape } });
  }

  /** Lets a Cast before or behind an operator give `to`; `code` is the number of its type in ONNX. */
  cast({ graph }: OnnxGraph, place: CastPlace, from: OnnxValue, to: OnnxValue, code: number): void {
    const cast = this.#init(to.name, { type: "Cast", inputs: [from], attributes: { to: code } }, [to]);
    if ("before" in place) graph.insertBefore(place.before, cast);
    else graph.insertAfter(place.after, cast);
  }

  /** Lets an operator give the outputs of `node`, in its place. */
  replace({ graph }: OnnxGraph, node: OnnxNode, operator: NewOperator): void {
    const outputs = [...node.outputs];
    node.setOutputs([]);
    graph.insertBefore(node, { ...this.#init("", operator, outputs), name: node.name });
    graph.remove(node);
  }

  /** Drops constants that nothing reads any more, in all graphs. */
  dropUnused(): void {
    dropUnusedOf(this.model.main);
  }

  #init(name: string, { type, inputs, attributes, domain = "" }: NewOperator, outputs: readonly OnnxValue[]) {
    if (domain !== "" && !this.model.opsets.has(domain)) this.model.opsets.set(domain, 1);
    return {
      name: name === "" ? "" : this.#names.next(`${name}/${type}`),
      type,
      inputs,
      outputs,
      data: { ...nodeData(attributes), domain },
    };
  }

  #own(graph: OnnxGraph): void {
    for (const value of graph.initializers) this.#owners.set(value, graph);
    for (const node of graph.graph.nodes) for (const inner of subgraphsOf(node)) this.#own(inner);
  }
}

function dropUnusedOf(graph: OnnxGraph): void {
  const kept = new Set([...graph.graph.outputs, ...outputsBelow(graph)]);
  graph.initializers = graph.initializers.filter((value) => value.used || kept.has(value));
  for (const node of graph.graph.nodes) for (const inner of subgraphsOf(node)) dropUnusedOf(inner);
}

/** Outputs of subgraphs may be values of the graphs around them. */
function outputsBelow({ graph }: OnnxGraph): OnnxValue[] {
  return graph.nodes.flatMap(subgraphsOf).flatMap((inner) => [...inner.graph.outputs, ...outputsBelow(inner)]);
}
