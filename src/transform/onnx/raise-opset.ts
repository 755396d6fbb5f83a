import { Value } from "../../graph/graph.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { BoltqError } from "../../io/error.ts";
import { floatAttribute, intAttribute, intsAttribute, textAttribute } from "../../onnx/attributes.ts";
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxNodeData, OnnxValue } from "../../onnx/model.ts";
import { nodeData } from "../../onnx/node-data.ts";
import { subgraphsOf } from "../../onnx/subgraphs.ts";
import { floatTensor, integerTensor, numbersOf } from "../../onnx/tensor-data.ts";
import { FreshNames } from "./fresh-names.ts";
import { addInitializer } from "./initializers.ts";

/** The oldest opset that can be raised: before it, arithmetic broadcast by attributes. */
const OLDEST = 7;

/** Files of opset 13 carry IR version 7 or newer. */
const IR_VERSION = 7;

const TARGET = 13;

interface Raising {
  readonly model: OnnxModel;
  readonly names: FreshNames;
  /** Opset of the model as it came. */
  readonly from: number;
}

/** Changes one operator to what it says at opset 13; false: that cannot be done. */
type Change = (node: OnnxNode, raising: Raising) => boolean | Promise<boolean>;

/** The operators whose form changed after opset 7, with the opset that changed them. All others read the same at 13. */
const CHANGES: Readonly<Record<string, readonly { readonly until: number; readonly change: Change }[]>> = {
  BatchNormalization: [{ until: 9, change: dropped("spatial", 1) }],
  Clip: [{ until: 11, change: clipLimits }],
  Dropout: [{ until: 12, change: dropoutRatio }],
  Pad: [{ until: 11, change: padInputs }],
  Slice: [{ until: 10, change: sliceInputs }],
  TopK: [{ until: 10, change: (node, raising) => toInput(node, "k", raising) }],
  Softmax: [{ until: 13, change: overRows }],
  LogSoftmax: [{ until: 13, change: overRows }],
  Hardmax: [{ until: 13, change: overRows }],
  Squeeze: [{ until: 13, change: (node, raising) => toInput(node, "axes", raising) }],
  Unsqueeze: [{ until: 13, change: (node, raising) => toInput(node, "axes", raising) }],
  ReduceSum: [{ until: 13, change: (node, raising) => toInput(node, "axes", raising) }],
  Split: [{ until: 13, change: (node, raising) => toInput(node, "split", raising) }],
  Upsample: [{ until: 10, change: upsample }],
  Resize: [{ until: 11, change: olderResize }],
};

/** Operators whose older form means something that opset 13 does not have, or that took other inputs. */
const REFUSED: Readonly<Record<string, number>> = { Scan: 9, Loop: 11, ConstantLike: 9, Scatter: 11 };

/**
 * Raises the ai.onnx opset of a model, its subgraphs included, to 13. Returns the opset it had, undefined when it had 13
 * or newer already. Rejects with `unsupported`, before anything is changed, when an operator cannot be carried over.
 */
export async function raiseOpset(model: OnnxModel): Promise<number | undefined> {
  const from = model.opsets.get("") ?? 1;
  if (from >= TARGET) return undefined;
  await refuseStrangers(model, from);
  const raising: Raising = { model, names: new FreshNames(model), from };
  for (const node of nodesOf(model.main)) {
    for (const { until, change } of changesOf(node)) {
      if (from < until && !(await change(node, raising))) throw cannotRaise(node, from);
    }
  }
  model.opsets.set("", TARGET);
  model.irVersion = Math.max(model.irVersion, IR_VERSION);
  return from;
}

async function refuseStrangers(model: OnnxModel, from: number): Promise<void> {
  if (from < OLDEST || model.functions.length > 0) {
    throw new BoltqError(
      "unsupported",
      model.functions.length > 0
        ? "a model with functions of its own cannot be raised to opset 13"
        : `opset ${from} is too old to be raised to 13`,
      { remedy: "Export the model again with opset 13 or newer" },
    );
  }
  for (const node of nodesOf(model.main)) {
    if (node.data.domain === "" && from < (REFUSED[node.type] ?? 0)) throw cannotRaise(node, from);
    if (changesOf(node).some(({ until }) => from < until) && !(await canChange(node))) throw cannotRaise(node, from);
  }
}

/** What can fail is asked before anything is edited. */
async function canChange(node: OnnxNode): Promise<boolean> {
  if (node.type === "BatchNormalization") return intAttribute(node, "spatial", 1) === 1;
  if (node.type === "Resize")
    return textAttribute(node, "mode", "nearest") !== "nearest" || !(await growsAndShrinks(node));
  return true;
}

function changesOf(node: OnnxNode): (typeof CHANGES)[string] {
  return node.data.domain === "" && Object.hasOwn(CHANGES, node.type) ? CHANGES[node.type]! : [];
}

/** The operators of a graph, each after those of its subgraphs. */
function nodesOf({ graph }: OnnxGraph): OnnxNode[] {
  return graph.nodes.flatMap((node) => {
    const inner = [...node.data.attributes.values()].flatMap((attribute) => {
      if (attribute.kind === "graph") return [attribute.value];
      return attribute.kind === "graphs" ? attribute.value : [];
    });
    return [...inner.flatMap(nodesOf), node];
  });
}

function dropped(attribute: string, only: number): Change {
  return (node) => {
    if (intAttribute(node, attribute, only) !== only) return false;
    node.data.attributes.delete(attribute);
    return true;
  };
}

/** An attribute of integers becomes the input behind those there are. */
function toInput(node: OnnxNode, attribute: string, raising: Raising): boolean {
  const value = node.data.attributes.get(attribute);
  if (value === undefined) return true;
  if (value.kind !== "ints" && value.kind !== "int") return false;
  const numbers = value.kind === "int" ? [value.value] : value.value;
  addInput(node, attribute, integerTensor([numbers.length], numbers), raising);
  node.data.attributes.delete(attribute);
  return true;
}

function addInput(node: OnnxNode, name: string, constant: Tensor | undefined, { model, names }: Raising): void {
  const value =
    constant === undefined
      ? undefined
      : addInitializer(model, names.next(`${node.name || node.outputs[0]?.name}_${name}`), constant);
  node.setInputs([...node.inputs, value]);
}

function clipLimits(node: OnnxNode, raising: Raising): boolean {
  for (const limit of ["min", "max"]) {
    const given = node.data.attributes.has(limit);
    addInput(node, limit, given ? floatTensor([], [floatAttribute(node, limit, 0)]) : undefined, raising);
    node.data.attributes.delete(limit);
  }
  trimInputs(node);
  return true;
}

/** Inputs left out at the end are not written at all. */
function trimInputs(node: OnnxNode): void {
  const inputs = [...node.inputs];
  while (inputs.length > 0 && inputs.at(-1) === undefined) inputs.pop();
  node.setInputs(inputs);
}

/** Without a ratio Dropout lets everything through, which is all that inference asks of it. */
function dropoutRatio(node: OnnxNode): boolean {
  node.data.attributes.delete("ratio");
  return true;
}

function padInputs(node: OnnxNode, raising: Raising): boolean {
  const value = floatAttribute(node, "value", 0);
  node.data.attributes.delete("value");
  if (!toInput(node, "pads", raising)) return false;
  addInput(node, "value", floatTensor([], [value]), raising);
  return true;
}

function sliceInputs(node: OnnxNode, raising: Raising): boolean {
  const starts = intsAttribute(node, "starts") ?? [];
  const axes = intsAttribute(node, "axes") ?? starts.map((_, axis) => axis);
  for (const name of ["starts", "ends"]) if (!toInput(node, name, raising)) return false;
  node.data.attributes.delete("axes");
  addInput(node, "axes", integerTensor([axes.length], axes), raising);
  return true;
}

/**
 * Before opset 13 Softmax normalized over `axis` and all behind it (default 1); at 13 over `axis` alone (default -1). The
 * two agree on the last axis; else what is behind the axis is made one row and given its shape again.
 */
function overRows(node: OnnxNode, { model, names }: Raising): boolean {
  const axis = intAttribute(node, "axis", 1);
  node.data.attributes.set("axis", { kind: "int", value: -1 });
  if (axis === -1 || lastAxisOf(node) === axis) return true;
  const graph = graphOf(model.main, node)!;
  const [input, output] = [node.input(0), node.output()];
  const made = (type: string) => new Value<OnnxNodeData>(names.next(`${node.name || output.name}_${type}`));
  const [shape, rows, normalized] = [made("shape"), made("rows"), made("normalized")];
  const add = { name: shape.name, type: "Shape", inputs: [input], outputs: [shape], data: nodeData() };
  graph.insertBefore(node, add);
  graph.insertBefore(node, { ...add, name: rows.name, type: "Flatten", outputs: [rows], data: nodeData({ axis }) });
  node.setInputs([rows]);
  node.setOutputs([normalized]);
  const name = names.next(`${output.name}_reshape`);
  graph.insertAfter(node, { ...add, name, type: "Reshape", inputs: [normalized, shape], outputs: [output] });
  return true;
}

/** The graph that holds the operator: this one or one inside it. */
function graphOf({ graph }: OnnxGraph, node: OnnxNode): OnnxGraph["graph"] | undefined {
  if (graph.has(node)) return graph;
  for (const inner of graph.nodes.flatMap(subgraphsOf)) {
    const found = graphOf(inner, node);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The place of the last axis where the rank is known, of the input or of what it is made from. */
function lastAxisOf(node: OnnxNode): number | undefined {
  const rank = rankOf(node.inputs[0]);
  return rank === undefined ? undefined : rank - 1;
}

/** Operators that say what rank their output has. */
const STATED_RANKS: Readonly<Record<string, (node: OnnxNode) => number | undefined>> = {
  Flatten: () => 2,
  Gemm: () => 2,
  Reshape: (node) => node.inputs[1]?.constant?.shape[0],
  Conv: (node) => node.inputs[1]?.constant?.shape.length,
  Transpose: (node) => intsAttribute(node, "perm")?.length,
};

/** Operators whose output has the rank of what they are given. */
const SAME_RANK: ReadonlySet<string> = new Set(["Relu", "Dropout", "Identity", "Add", "MatMul", "Concat", "Clip"]);

function rankOf(value: OnnxValue | undefined): number | undefined {
  let current = value;
  while (current !== undefined) {
    const known = current.constant?.shape ?? current.type?.shape;
    if (known !== undefined) return known.length;
    const { producer }: OnnxValue = current;
    if (producer === undefined) return undefined;
    if (Object.hasOwn(STATED_RANKS, producer.type)) return STATED_RANKS[producer.type]!(producer);
    current = SAME_RANK.has(producer.type)
      ? producer.inputs.find((input) => input !== undefined && input.constant === undefined)
      : undefined;
  }
  return undefined;
}

/**
 * Upsample and the first Resize took pixels as the second Resize does in this mode: the one before, or where they made the
 * map smaller the one behind (ONNX Runtime's rule, the standard has none).
 */
async function olderResize(node: OnnxNode, { from }: Raising): Promise<boolean> {
  if (from < 10) return true;
  const shrinks = (await scalesOf(node)).some((scale) => scale < 1);
  const [input, scales] = node.inputs;
  node.setInputs([input, undefined, scales]);
  node.data.attributes.set("coordinate_transformation_mode", { kind: "string", value: utf8("asymmetric") });
  node.data.attributes.set("nearest_mode", { kind: "string", value: utf8(shrinks ? "ceil" : "floor") });
  return true;
}

async function growsAndShrinks(node: OnnxNode): Promise<boolean> {
  const scales = await scalesOf(node);
  return scales.some((scale) => scale > 1) && scales.some((scale) => scale < 1);
}

/** The scales of a Resize of opset 10 or an Upsample; none where they are computed. */
async function scalesOf(node: OnnxNode): Promise<number[]> {
  const constant = node.inputs[1]?.constant;
  return constant === undefined ? [] : Array.from(await numbersOf(constant));
}

function upsample(node: OnnxNode, raising: Raising): Promise<boolean> {
  const scales = node.data.attributes.get("scales");
  if (scales?.kind === "floats") {
    addInput(node, "scales", floatTensor([scales.value.length], scales.value), raising);
    node.data.attributes.delete("scales");
  }
  node.type = "Resize";
  return olderResize(node, { ...raising, from: 10 });
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function cannotRaise(node: OnnxNode, from: number): BoltqError {
  return new BoltqError("unsupported", `it cannot be carried over from opset ${from} to 13`, {
    subject: `operator "${node.name}" (${node.type})`,
    remedy: "Export the model again with opset 13 or newer",
  });
}
