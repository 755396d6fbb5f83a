import { type BoltModel, type BoltNodeData, type BoltValue, type BoltWeight, WeightTable } from "../../bolt/model.ts";
import { NAME_BYTES } from "../../bolt/name-field.ts";
import { newModel, newNodeData, newWeight } from "../../bolt/new-model.ts";
import { maximumDimensions } from "../../bolt/parameter-layouts.ts";
import type { BoltRules } from "../../bolt/rules.ts";
import type { BoltTensorDescription } from "../../bolt/tensor-description.ts";
import type { BoltVersion } from "../../bolt/version.ts";
import { Graph, Value } from "../../graph/graph.ts";
import { elementCount } from "../../graph/tensor.ts";
import { NO_BYTES } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import type { OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from "../../onnx/model.ts";
import { shapeOf } from "../../onnx/shape-rules/shape-rule.ts";
import { numbersOf } from "../../onnx/tensor-data.ts";
import { CAFFE_DOMAIN } from "../caffe/domain.ts";
import { ACTIVATIONS } from "./activations.ts";
import { ARITHMETIC } from "./arithmetic.ts";
import { BOLT_NAMES } from "./bolt-names.ts";
import { CAFFE_LAYERS } from "./caffe-layers.ts";
import { CONVOLUTIONS } from "./convolution.ts";
import { defaultDataFormat } from "./data-format.ts";
import { INDEXING } from "./indexing.ts";
import {
  allInputs,
  cutToInt32,
  dynamicInputs,
  type Lower,
  type LoweredOperator,
  type LoweringContext,
} from "./lowering.ts";
import { MATRIX } from "./matrix.ts";
import { NORMALIZATIONS } from "./normalization.ts";
import { OPEN_SIZE } from "./open-sizes.ts";
import { POOLINGS } from "./pooling.ts";
import { RECURRENT } from "./recurrent.ts";
import { SHAPE_OPERATORS } from "./shape-operators.ts";
import { boltData, boltTypeOf } from "./weight-data.ts";

const LOWERINGS: Readonly<Record<string, Lower>> = {
  ...CONVOLUTIONS,
  ...POOLINGS,
  ...MATRIX,
  ...ARITHMETIC,
  ...ACTIVATIONS,
  ...NORMALIZATIONS,
  ...RECURRENT,
  ...INDEXING,
  ...BOLT_NAMES,
  ...SHAPE_OPERATORS,
};

export interface LowerGraphOptions {
  readonly version: BoltVersion;
  readonly rules: BoltRules;
  readonly asBolt: boolean;
  readonly name: string;
  readonly removeOperators: number;
  readonly note: (text: string) => void;
  /** Told of each operator that cannot be lowered; the others are then lowered all the same. Without it the first one is thrown. */
  readonly onProblem?: ((problem: BoltqError) => void) | undefined;
}

/** Lowers every operator of an ONNX graph, in order, without rewriting anything. */
export async function lowerGraph(onnx: OnnxModel, options: LowerGraphOptions): Promise<BoltModel> {
  if (options.onProblem === undefined) requireKnownOperators(onnx);
  if (!options.asBolt) refuseEmptyTensors(onnx);
  const { graph } = onnx.main;
  const { inputs } = graph;
  const lowering = new GraphLowering(options, graph.nodes);
  for (const input of inputs) lowering.define(input);
  for (const node of graph.nodes.slice(options.removeOperators)) await lowering.lower(node);
  await lowering.addSharedWeights(graph.outputs);
  const bolt = lowering.graph;
  bolt.inputs = inputs.map((input) => lowering.valueOf(input));
  bolt.outputs = graph.outputs.map((output) => lowering.valueOf(output));
  return newModel({
    version: options.version,
    name: lowering.shortName(options.name),
    inputDescriptions: inputs.map((input) => describeInput(input, options)),
    graph: bolt,
    weights: new WeightTable([...lowering.sharedWeights, ...lowering.weights]),
  });
}

function requireKnownOperators({ main }: OnnxModel): void {
  const unknown = main.graph.nodes.filter((node) => !isKnown(node));
  if (unknown.length === 0) return;
  const list = unknown
    .slice(0, 20)
    .map((node) => `${node.data.domain === "" ? "" : `${node.data.domain}.`}${node.type} ("${node.name}")`);
  throw new BoltqError("unsupported", `the model has operators that cannot be converted to Bolt: ${list.join(", ")}`, {
    remedy: unknown.every(({ data }) => RUNTIME_DOMAINS.has(data.domain))
      ? "Quantize it for ONNX Runtime instead, or replace these operators before exporting"
      : "Replace these operators before exporting",
  });
}

/** Stands for the lowering of an operator that has none. */
const lacking: Lower = ({ data }) => {
  throw new BoltqError("unsupported", "Bolt has no such operator", {
    remedy: RUNTIME_DOMAINS.has(data.domain)
      ? "Quantize the model for ONNX Runtime instead, or replace the operator before exporting"
      : "Replace the operator before exporting",
  });
};

/** Operators of other domains are not ONNX Runtime's own: it lacks them too. */
const RUNTIME_DOMAINS: ReadonlySet<string> = new Set(["", "ai.onnx", "ai.onnx.ml", "com.microsoft"]);

/** A tensor without elements cannot stand in a .bolt file. Constants that say nothing, as those of a Resize, may be empty. */
function refuseEmptyTensors({ main }: OnnxModel): void {
  for (const node of main.graph.nodes) {
    const empty = [node.inputs[0], ...node.outputs].find((value) => shapeOf(value)?.includes(0));
    if (empty === undefined) continue;
    throw new BoltqError(
      "unsupported",
      `"${empty.name}" is empty (${shapeOf(empty)!.join(" x ")}); Bolt has no empty tensors`,
      {
        subject: `operator "${node.name}" (${node.type})`,
        remedy: "Take out before exporting what has no elements",
      },
    );
  }
}

function isKnown(node: OnnxNode): boolean {
  return (node.type === "Constant" && node.data.domain === "") || loweringOf(node) !== undefined;
}

function loweringOf({ type, data }: OnnxNode): Lower | undefined {
  const table = data.domain === CAFFE_DOMAIN ? CAFFE_LAYERS : data.domain === "" ? LOWERINGS : {};
  return Object.hasOwn(table, type) ? table[type] : undefined;
}

class GraphLowering {
  readonly graph: Graph<BoltNodeData>;
  readonly weights: BoltWeight[] = [];
  readonly sharedWeights: BoltWeight[] = [];
  readonly #options: LowerGraphOptions;
  readonly #context: LoweringContext;
  readonly #values = new Map<OnnxValue, BoltValue>();
  readonly #shared = new Set<OnnxValue>();
  readonly #shortNames = new Map<string, string>();
  readonly #operatorNames = new Set<string>();

  constructor(options: LowerGraphOptions, nodes: readonly OnnxNode[]) {
    this.#options = options;
    this.graph = new Graph(options.name);
    this.#context = { ...options, referenceCount: referenceCounter(options.rules, nodes) };
  }

  /** The Bolt value for an ONNX value, made anew where there is none. */
  valueOf(value: OnnxValue): BoltValue {
    return this.#values.get(value) ?? this.define(value);
  }

  define(value: OnnxValue): BoltValue {
    const defined: BoltValue = new Value(this.shortName(value.name));
    this.#values.set(value, defined);
    return defined;
  }

  /** Names too long for a field are numbered. */
  shortName(name: string): string {
    if (new TextEncoder().encode(name).byteLength < NAME_BYTES) return name;
    const known = this.#shortNames.get(name);
    if (known !== undefined) return known;
    const short = this.#options.rules === "1.3.0" ? `brief_${this.#shortNames.size}` : inBase60(this.#shortNames.size);
    this.#shortNames.set(name, short);
    return short;
  }

  async lower(node: OnnxNode): Promise<void> {
    if (node.type === "Constant") return this.#takeConstant(node);
    try {
      this.#append(node, await (loweringOf(node) ?? lacking)(node, this.#context));
    } catch (error) {
      if (!(error instanceof BoltqError)) throw error;
      const problem = error.within({ subject: `operator "${node.name}" (${node.type})` });
      if (this.#options.onProblem === undefined) throw problem;
      this.#options.onProblem(problem);
    }
  }

  /** Puts the constants that operators read as inputs in front, sorted by name, as Bolt does. */
  async addSharedWeights(outputs: readonly OnnxValue[]): Promise<void> {
    for (const output of outputs) if (output.constant !== undefined) this.#shared.add(output);
    const sorted = [...this.#shared].sort((one, other) => (one.name < other.name ? -1 : 1));
    const first = this.graph.nodes[0];
    for (const value of sorted) {
      const tensor = value.constant!;
      const name = this.shortName(`weight_${value.name}`);
      const init = {
        name,
        type: "SharedWeight",
        inputs: [],
        outputs: [this.valueOf(value)],
        data: newNodeData("SharedWeight", this.#options.version, {
          desc: await describeConstant(tensor, this.#options),
        }),
      };
      if (first === undefined) this.graph.append(init);
      else this.graph.insertBefore(first, init);
      this.sharedWeights.push(
        newWeight(name, { dataType: boltTypeOf(tensor.type), weight: await boltData(tensor), vector: NO_BYTES }),
      );
    }
  }

  #takeConstant(node: OnnxNode): void {
    const value = node.data.attributes.get("value");
    if (value?.kind !== "tensor") {
      throw new BoltqError("unsupported", "a Constant without a tensor cannot be converted", {
        subject: `operator "${node.name}" (Constant)`,
      });
    }
    node.output().constant = value.value;
  }

  #append(node: OnnxNode, operators: readonly LoweredOperator[]): void {
    const mainName = node.name || (node.outputs[0]?.name ?? "");
    let previous: BoltValue | undefined;
    operators.forEach((operator, index) => {
      const read = operator.inputs ?? (previous === undefined ? this.#defaultInputs(node) : []);
      const inputs = read.map((input) => this.#read(input));
      const last = index === operators.length - 1;
      const outputs = last
        ? node.outputs.map((output) => this.define(output))
        : [this.#between(node, operator, operators)];
      const name = this.#operatorName(`${mainName}${operator.nameSuffix ?? ""}`);
      this.graph.append({
        name,
        type: operator.type,
        inputs: previous === undefined ? inputs : [previous, ...inputs],
        outputs,
        data: newNodeData(operator.type, this.#options.version, operator.parameters),
      });
      if (operator.weight !== undefined) this.weights.push(newWeight(name, operator.weight));
      previous = outputs[0];
    });
  }

  /** All that are not constant; of constants alone, which Bolt would leave out, the first. */
  #defaultInputs(node: OnnxNode): readonly OnnxValue[] {
    const dynamic = dynamicInputs(node);
    return dynamic.length > 0 || this.#options.asBolt ? dynamic : allInputs(node).slice(0, 1);
  }

  /** Weights are found by their operator's name, so no two may bear one, as they may in ONNX. */
  #operatorName(name: string): string {
    let unique = this.shortName(name);
    if (this.#options.asBolt) return unique;
    for (let count = 2; this.#operatorNames.has(unique); count++) unique = this.shortName(`${name}~${count}`);
    this.#operatorNames.add(unique);
    return unique;
  }

  /** A value between two steps: named as the output where Bolt works in place, else as the step. */
  #between(node: OnnxNode, operator: LoweredOperator, operators: readonly LoweredOperator[]): BoltValue {
    const inPlace = operators[0]!.nameSuffix === undefined;
    return new Value(this.shortName(`${node.output().name}${inPlace ? "" : operator.nameSuffix}`));
  }

  #read(value: OnnxValue): BoltValue {
    if (value.constant !== undefined) this.#shared.add(value);
    return this.valueOf(value);
  }
}

/** Bolt 1.3.0 shares a weight that several operators read; 1.5 gives each its own. */
function referenceCounter(rules: BoltRules, nodes: readonly OnnxNode[]): (value: OnnxValue) => number {
  if (rules === "1.5") return () => 1;
  const counts = new Map<OnnxValue, number>();
  for (const node of nodes) {
    for (const input of node.inputs) {
      if (input?.constant === undefined) continue;
      counts.set(input, elementCount(input.constant.shape) === 1 ? 1 : (counts.get(input) ?? 0) + 1);
    }
  }
  return (value) => counts.get(value) ?? 0;
}

function inBase60(number: number): string {
  const digit = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".charAt(number % 60);
  return number < 60 ? digit : inBase60(Math.floor(number / 60)) + digit;
}

function describeInput(input: OnnxValue, { rules, version }: LowerGraphOptions): BoltTensorDescription {
  const shape = input.type?.shape ?? [];
  const dimensions = shape.map((size) => (typeof size === "number" ? size : OPEN_SIZE));
  const description = {
    dataType: boltTypeOf(input.type?.type ?? "float32"),
    dataFormat: defaultDataFormat(shape.length, rules),
    dimensions: dimensions.reverse(),
  };
  const count = elementCount(dimensions);
  const fits = rules === "1.5" && dimensions.length > 0 && count + dimensions.length <= maximumDimensions(version);
  return fits ? { ...description, unused: new Array<number>(count).fill(OPEN_SIZE) } : description;
}

/** Small constants stand, cut to integers, behind the dimensions too. */
async function describeConstant(
  tensor: OnnxTensor,
  { version, rules }: LowerGraphOptions,
): Promise<BoltTensorDescription> {
  const count = elementCount(tensor.shape);
  const scalar = tensor.shape.length === 0;
  const dimensions = scalar ? [count] : [...tensor.shape].reverse();
  const description: BoltTensorDescription = {
    dataType: boltTypeOf(tensor.type),
    dataFormat: defaultDataFormat(tensor.shape.length, rules),
    dimensions,
  };
  if (count + dimensions.length > maximumDimensions(version)) return description;
  if (rules === "1.3.0" && description.dataType !== "I32") return description;
  return {
    ...description,
    unused: Array.from(await numbersOf(tensor), (value) => cutToInt32(Math.trunc(value)) >>> 0),
  };
}
