import type { Dimension } from "../graph/tensor.ts";
import type { KnownTensor } from "./evaluation/evaluator.ts";
import { Inference, type InputShapes } from "./inference.ts";
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxValue } from "./model.ts";
import { movedConstant } from "./moved-constant.ts";
import { valueAttribute } from "./shape-rules/generation.ts";
import { subgraphsOf } from "./subgraphs.ts";
import { encodedTensor } from "./tensor-data.ts";

export interface FoldConstantsOptions {
  /** As for `inferShapes`; with them, what is calculated from the sizes of inputs is folded too. */
  readonly inputShapes?: InputShapes;
  /**
   * Results of more elements are left to be calculated when the model runs, except where a constant is only put into
   * another shape, order or float type: that is done when it is read. Default 2^18.
   */
  readonly mostElements?: number;
}

/** One operator that is gone. */
export interface FoldedOperator {
  readonly name: string;
  readonly type: string;
  /** `calculated`: its results are constants now. `bypassed`: an Identity. `unused`: nothing read its results. */
  readonly how: "calculated" | "bypassed" | "unused";
}

/** What folding changed. */
export interface Folding {
  readonly operators: readonly FoldedOperator[];
  /** Names of constants that nothing reads any more. */
  readonly constants: readonly string[];
}

/** Initializers need not be graph inputs since this version. */
const FREE_INITIALIZERS = 4;

/**
 * Calculates what does not depend on the inputs' data, in float32 where the model says so, and puts constants in its
 * place; takes out Identity operators, operators and constants that nothing reads. Shapes are inferred on the way (see
 * `inferShapes`). Outputs of the model keep their operator. Quantized weights are left as they are: QuantizeLinear and
 * DequantizeLinear are not calculated.
 */
export async function foldConstants(model: OnnxModel, options: FoldConstantsOptions = {}): Promise<Folding> {
  const isConstant = constantTest(model);
  const inference = new Inference(model, {
    inputShapes: options.inputShapes ?? {},
    mostElements: options.mostElements ?? 2 ** 18,
    isConstant,
  });
  await inference.run();
  const folder = new Folder(model, inference.known, isConstant);
  folder.fold(model.main);
  folder.removeUnused(model.main);
  if (folder.operators.some(({ how }) => how === "calculated")) {
    model.irVersion = Math.max(model.irVersion, FREE_INITIALIZERS);
  }
  return folder;
}

/** Since initializers need not be inputs, one that is may be replaced by whoever runs the model. */
function constantTest({ irVersion, main }: OnnxModel): (value: OnnxValue) => boolean {
  const replaceable = new Set(irVersion < FREE_INITIALIZERS ? [] : main.graph.inputs);
  return (value) => value.constant !== undefined && !replaceable.has(value);
}

class Folder implements Folding {
  readonly operators: FoldedOperator[] = [];
  readonly constants: string[] = [];
  readonly #known: ReadonlyMap<OnnxValue, KnownTensor>;
  readonly #isConstant: (value: OnnxValue) => boolean;
  /** Outputs of the model and of all subgraphs: they are referred to by name and must stay. */
  readonly #outputs = new Set<OnnxValue>();

  constructor(model: OnnxModel, known: ReadonlyMap<OnnxValue, KnownTensor>, isConstant: (value: OnnxValue) => boolean) {
    this.#known = known;
    this.#isConstant = isConstant;
    this.#collectOutputs(model.main);
  }

  #collectOutputs({ graph }: OnnxGraph): void {
    for (const output of graph.outputs) this.#outputs.add(output);
    for (const node of graph.nodes) for (const inner of subgraphsOf(node)) this.#collectOutputs(inner);
  }

  fold(graph: OnnxGraph): void {
    for (const node of graph.graph.nodes) {
      if (node.outputs.some((output) => this.#outputs.has(output))) this.#foldInner(node);
      else if (this.#isBypass(node)) this.#bypass(graph, node);
      else if (!this.#makeConstant(graph, node)) this.#foldInner(node);
    }
  }

  #foldInner(node: OnnxNode): void {
    for (const inner of subgraphsOf(node)) this.fold(inner);
  }

  #isBypass(node: OnnxNode): boolean {
    return node.type === "Identity" && node.data.domain === "" && node.inputs[0] !== undefined;
  }

  #bypass(graph: OnnxGraph, node: OnnxNode): void {
    graph.graph.replaceUses(node.output(), node.input(0));
    this.#remove(graph, node, "bypassed");
  }

  #makeConstant(graph: OnnxGraph, node: OnnxNode): boolean {
    const tensors = node.outputs.map((output) => this.#constantFor(node, output));
    if (tensors.length === 0 || tensors.some((tensor) => tensor === undefined)) return false;
    const outputs = [...node.outputs];
    this.#remove(graph, node, "calculated");
    outputs.forEach((output, index) => {
      output.constant = tensors[index];
      output.type = { type: tensors[index]!.type, shape: tensors[index]!.shape };
      graph.initializers.push(output);
    });
    return true;
  }

  #constantFor(node: OnnxNode, output: OnnxValue): OnnxValue["constant"] {
    // A Constant's tensor is taken as it is, however large.
    if (node.type === "Constant" && node.data.domain === "") {
      const tensor = valueAttribute(node);
      if (tensor !== undefined) return tensor;
    }
    const moved = movedConstant(node, output.type, this.#isConstant);
    if (moved !== undefined) return moved;
    const known = this.#known.get(output);
    return known !== undefined && allNumbers(known.values)
      ? encodedTensor(known.type, known.shape, known.values)
      : undefined;
  }

  /** Takes out, from the last to the first, operators whose results nothing reads, then constants likewise. */
  removeUnused(graph: OnnxGraph): void {
    for (const node of graph.graph.nodes.toReversed()) {
      if (node.outputs.every((output) => !this.#isRead(output))) this.#remove(graph, node, "unused");
      else for (const inner of subgraphsOf(node)) this.removeUnused(inner);
    }
    const unread = new Set(graph.initializers.filter((value) => !this.#isRead(value)));
    graph.initializers = graph.initializers.filter((value) => !unread.has(value));
    graph.graph.inputs = graph.graph.inputs.filter((value) => !unread.has(value));
    this.constants.push(...[...unread].map(({ name }) => name));
  }

  #isRead(value: OnnxValue): boolean {
    return value.used || this.#outputs.has(value);
  }

  #remove(graph: OnnxGraph, node: OnnxNode, how: FoldedOperator["how"]): void {
    this.operators.push({ name: node.name, type: node.type, how });
    detach(graph, node);
  }
}

/** Takes a node out together with what its subgraphs read from outside. */
function detach({ graph }: OnnxGraph, node: OnnxNode): void {
  for (const inner of subgraphsOf(node)) for (const part of inner.graph.nodes) detach(inner, part);
  graph.remove(node);
}

function allNumbers(values: readonly Dimension[]): values is readonly number[] {
  return values.every((value) => typeof value === "number");
}
