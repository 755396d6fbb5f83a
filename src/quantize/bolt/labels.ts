import type { Label } from "../../bolt/label.ts";
import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { movesNumbers } from "../../bolt/moves-numbers.ts";
import { type BoltRules, rulesOf } from "../../bolt/rules.ts";
import { inputChannels } from "../../transform/bolt/input-channels.ts";
import { liveNodes, RETIRED } from "../../transform/bolt/pass.ts";
import type { DynamicChoice } from "../scale-table.ts";

/** How an operator computes, and why. */
export interface Labelled {
  readonly label: Label;
  readonly reason: string;
}

/** By operator; one that nothing speaks for has no label. */
export type Labels = Map<BoltNode, Labelled>;

interface LabelRules {
  /** Operators that compute in int8. */
  readonly quantized: ReadonlySet<string>;
  /** Operators whose weights are int8 while inputs and outputs stay float. */
  readonly floatAround: ReadonlySet<string>;
  /** Operators that always stay float. */
  readonly float: ReadonlySet<string>;
  /** Operators that stay float unless something before labelled them. */
  readonly indexing: ReadonlySet<string>;
  /** Operators at which the way back to the network's input ends. */
  readonly matrix: ReadonlySet<string>;
}

const FLOAT_IN_BOTH = [
  ...[
    "HSwish",
    "HSigmoid",
    "Sigmoid",
    "Clip",
    "Gelu",
    "TanH",
    "Resize",
    "LayerNorm",
    "HSwishNoDiv",
    "Eltwise",
    "Softmax",
  ],
  ...["DetectionOutput", "Scale", "SharedWeight", "Concat", "Swish"],
];

const FLOAT_SINCE_1_5 = [
  ...["PRelu", "LogSoftmax", "OneHot", "Where", "Cast", "TopK", "Round", "Range", "NonMaxSuppression", "Exp", "Log"],
  ...["Floor", "Reduction"],
];

/** QuantizationOptimizer.hpp of tag v1.3.0 and of today. */
const RULES: Readonly<Record<BoltRules, LabelRules>> = {
  "1.3.0": {
    quantized: new Set(["Conv", "MatMul", "FC"]),
    floatAround: new Set(),
    float: new Set([...FLOAT_IN_BOTH, "Deconvolution"]),
    indexing: new Set(),
    matrix: new Set(["Conv", "FC", "MatMul"]),
  },
  "1.5": {
    quantized: new Set(["Conv", "MatMul", "FC", "Deconvolution"]),
    floatAround: new Set(["RNN"]),
    float: new Set([...FLOAT_IN_BOTH, ...FLOAT_SINCE_1_5]),
    indexing: new Set(["Gather", "Embedding"]),
    matrix: new Set(["Conv", "FC", "MatMul", "Deconvolution"]),
  },
};

export function labelRules(model: BoltModel): LabelRules {
  return RULES[rulesOf(model.version)];
}

export interface LabelDynamicOptions {
  /** What a scale table of the dynamic kind says. */
  readonly choice?: DynamicChoice | undefined;
  /** Leave operators that change numbers in float, so that int8 tensors can have fixed scales. Default false. */
  readonly staticScales?: boolean;
  /** Let a convolution give int8 to one that could compute in int8 but does not, as Bolt's tool does. Default true. */
  readonly int8ToFloatReaders?: boolean;
}

/** Labels for int8: the matrix operators first, then what lies between them. The model is only looked at. */
export function labelDynamic(
  model: BoltModel,
  { choice, staticScales = false, int8ToFloatReaders = true }: LabelDynamicOptions = {},
): Labels {
  const labels = labelMatrixOperators(model);
  if (choice !== undefined) applyChoice(model, choice, labels);
  if (staticScales) keepChangesFloat(model, labels);
  labelPaths(model, labels);
  labelBranches(model, labels);
  labelInt8Outputs(model, labels, int8ToFloatReaders);
  return labels;
}

/** The labels that depend on the operator itself: matrix operators, and those that always stay float. */
export function labelMatrixOperators(model: BoltModel): Labels {
  const rules = labelRules(model);
  const first = findFirstConvolutions(model);
  const outputs = new Set(model.graph.outputs.map((output) => output.name));
  return new Map(
    liveNodes(model).flatMap((node): [BoltNode, Labelled][] => {
      const labelled = ownLabel(node, model, rules, first, outputs);
      return labelled === undefined ? [] : [[node, labelled]];
    }),
  );
}

function ownLabel(
  node: BoltNode,
  model: BoltModel,
  rules: LabelRules,
  first: ReadonlySet<BoltNode>,
  outputs: ReadonlySet<string>,
): Labelled | undefined {
  if (node.type === "Conv" && first.has(node))
    return { label: "float", reason: "a first convolution, or channels not in eights" };
  const floatReason = reasonToStayFloat(node, model);
  if (floatReason !== undefined) return { label: "float", reason: floatReason };
  if (rules.quantized.has(node.type)) return { label: "int8-to-float", reason: "a matrix operator" };
  if (rules.floatAround.has(node.type))
    return { label: "float-around", reason: "int8 weights between float inputs and outputs" };
  const isOutput = rulesOf(model.version) === "1.5" && node.outputs.some((output) => outputs.has(output.name));
  return isOutput ? { label: "float", reason: "an output of the network" } : undefined;
}

function reasonToStayFloat(node: BoltNode, model: BoltModel): string | undefined {
  const { parameters } = node.data;
  if (labelRules(model).float.has(node.type)) return "an operator that Bolt computes in float";
  if (isDepthwise(node, rulesOf(model.version))) return "a depthwise convolution";
  if (node.type === "Pooling" && parameters.name("mode") === "MEAN") return "a mean pooling";
  if (node.type === "Relu" && parameters.number("neg_slope") !== 0) return "a Relu with a slope";
  return undefined;
}

function isDepthwise(node: BoltNode, rules: BoltRules): boolean {
  const { parameters } = node.data;
  if (rules === "1.3.0") return node.type === "Conv" && parameters.number("num_outputs") === parameters.number("group");
  if (node.type === "Conv") return parameters.name("convolution_type") === "DEPTHWISE";
  return node.type === "Deconvolution" && parameters.number("num_outputs_origin") === parameters.number("group");
}

/** Whether the operator computes in int8 when nothing else keeps it from that. */
export function isQuantizable(node: BoltNode, model: BoltModel): boolean {
  return labelRules(model).quantized.has(node.type) && reasonToStayFloat(node, model) === undefined;
}

/** Convolutions with no matrix operator before them, and those whose channels are not in eights. */
export function findFirstConvolutions(model: BoltModel): Set<BoltNode> {
  const { matrix } = labelRules(model);
  const nearInput = new Set<BoltNode>();
  const found = new Set<BoltNode>();
  const nodes = model.graph.nodes;
  for (const [place, node] of nodes.entries()) {
    if (node.type === RETIRED) continue;
    const inputs = node.inputs.map((input) => input?.producer);
    const near = (producer: BoltNode | undefined) => producer === undefined || nearInput.has(producer);
    if (place === 0 || inputs.every(near)) if (!matrix.has(node.type)) nearInput.add(node);
    if (node.type === "Conv" && (place === 0 || isFirst(node, inputs[0], near, model))) found.add(node);
  }
  return found;
}

function isFirst(
  node: BoltNode,
  producer: BoltNode | undefined,
  near: (producer: BoltNode | undefined) => boolean,
  model: BoltModel,
): boolean {
  return producer === undefined || hasOddChannels(node, model) || near(producer);
}

function hasOddChannels(node: BoltNode, model: BoltModel): boolean {
  const kind = node.data.parameters.name("convolution_type");
  if (kind !== "POINTWISE" && kind !== "DILATION") return false;
  const record = model.weights.of(node);
  return (
    node.data.parameters.number("num_outputs") % 8 !== 0 ||
    (record !== undefined && inputChannels(node, record) % 8 !== 0)
  );
}

function keepChangesFloat(model: BoltModel, labels: Labels): void {
  for (const node of liveNodes(model)) {
    if (!labels.has(node) && !movesNumbers(node))
      labels.set(node, { label: "float", reason: "it changes numbers, so a fixed scale does not pass through it" });
  }
}

function applyChoice(model: BoltModel, { quantized, float }: DynamicChoice, labels: Labels): void {
  const rules = labelRules(model);
  const reason = "chosen by name";
  for (const node of liveNodes(model)) {
    if (float.has(node.name)) labels.set(node, { label: "float", reason });
    else if (!quantized.has(node.name)) continue;
    else if (rules.quantized.has(node.type)) labels.set(node, { label: "int8-to-float", reason });
    else if (rules.floatAround.has(node.type)) labels.set(node, { label: "float-around", reason });
  }
}

/** An operator without label takes that of the single path behind it: int8 if the path ends in an int8 operator. */
function labelPaths(model: BoltModel, labels: Labels): void {
  const { indexing } = labelRules(model);
  const branching = new Set<BoltNode>();
  const start = model.graph.nodes[0];
  for (const node of liveNodes(model)) {
    if (labels.has(node)) continue;
    if (indexing.has(node.type)) {
      labels.set(node, { label: "float", reason: "it reads indices" });
      continue;
    }
    const { path, end } = followPath(node, labels, branching, rulesOf(model.version));
    if (end === "branch") {
      for (const member of path) branching.add(member);
      continue;
    }
    const int8 = end !== "nothing" && end !== start && labels.get(end)!.label !== "float";
    const labelled: Labelled = int8
      ? { label: "int8", reason: "what follows computes in int8" }
      : { label: "float", reason: "what follows computes in float" };
    for (const member of path) labels.set(member, labelled);
  }
}

/** Goes from reader to reader. Where there are several, Bolt 1.3.0 still looks whether the first one has a label. */
function followPath(
  from: BoltNode,
  labels: Labels,
  branching: ReadonlySet<BoltNode>,
  rules: BoltRules,
): { path: BoltNode[]; end: BoltNode | "branch" | "nothing" } {
  const path: BoltNode[] = [];
  for (let [node, branched] = [from, false]; ; ) {
    const splits = branched || node.outputs.length > 1;
    if ((splits && rules === "1.5") || branching.has(node)) return { path, end: "branch" };
    const label = labels.get(node)?.label;
    if (label !== undefined) return { path, end: label === "float-around" ? "branch" : node };
    if (splits) return { path, end: "branch" };
    path.push(node);
    const readers = readersOf(node);
    if (readers.length === 0) return { path, end: "nothing" };
    branched = readers.length > 1;
    node = readers[0]!;
  }
}

/** The readers of an operator's first output, one entry for each input that reads it. */
function readersOf(node: BoltNode): BoltNode[] {
  const output = node.outputs[0];
  return (output?.users ?? []).flatMap((user) => user.inputs.flatMap((input) => (input === output ? [user] : [])));
}

/** An operator with several readers takes their common label, or float where they differ. */
function labelBranches(model: BoltModel, labels: Labels): void {
  const rules = labelRules(model);
  for (const node of liveNodes(model)) {
    if (labels.has(node) || rules.float.has(node.type) || rules.quantized.has(node.type)) continue;
    labelFromReaders(node, labels, rulesOf(model.version));
  }
}

/** An operator whose readers are being asked for their labels. */
interface Asking {
  readonly node: BoltNode;
  readonly readers: readonly BoltNode[];
  /** The next reader to ask. */
  next: number;
  /** What all readers asked so far say; float as soon as two differ. */
  label: Label | undefined;
}

/**
 * Labels an operator, and before it those of its readers that have no label, as Bolt's recursive function does: a reader
 * that is labelled on the way counts with its label as it is, others as their producer sees it. Without recursion, since
 * chains may be thousands of operators long.
 */
function labelFromReaders(from: BoltNode, labels: Labels, rules: BoltRules): void {
  const asking = [ask(from)];
  for (let top = asking.at(-1); top !== undefined; top = asking.at(-1)) {
    const reader = top.readers[top.next];
    const known = reader === undefined ? undefined : labels.get(reader)?.label;
    if (reader === undefined) {
      asking.pop();
      const label = top.label ?? "float";
      if (top.readers.length > 0) labels.set(top.node, { label, reason: COMMON_REASONS[label] });
      const producer = asking.at(-1);
      if (producer !== undefined) hear(producer, label);
    } else if (known !== undefined) {
      hear(top, seenByProducer(known, rules));
    } else {
      asking.push(ask(reader));
    }
  }
}

function ask(node: BoltNode): Asking {
  return { node, readers: readersOf(node), next: 0, label: undefined };
}

/** Takes the answer of the reader that was asked; where two differ there is no need to ask more. */
function hear(asking: Asking, answer: Label): void {
  const differ = asking.label !== undefined && asking.label !== answer;
  asking.label = differ ? "float" : answer;
  asking.next = differ ? asking.readers.length : asking.next + 1;
}

const EVERY_READER = "everything that reads it computes in int8";

const COMMON_REASONS: Readonly<Record<Label, string>> = {
  float: "not everything that reads it computes in int8",
  int8: EVERY_READER,
  "int8-to-float": EVERY_READER,
  "float-around": EVERY_READER,
};

/** Bolt counts one up from what is below "int8". */
const SEEN: Readonly<Record<Label, Label>> = {
  float: "float",
  int8: "int8",
  "int8-to-float": "int8",
  "float-around": "int8-to-float",
};

function seenByProducer(label: Label, rules: BoltRules): Label {
  return rules === "1.3.0" && label !== "float" ? "int8" : SEEN[label];
}

/** A quantized operator gives int8 when everything that reads it takes int8. */
function labelInt8Outputs(model: BoltModel, labels: Labels, int8ToFloatReaders: boolean): void {
  const newer = rulesOf(model.version) === "1.5";
  const outputs = new Set(model.graph.outputs.map((output) => output.name));
  for (const node of liveNodes(model)) {
    const labelled = labels.get(node);
    if (!isQuantizable(node, model) || labelled === undefined || labelled.label === "float") continue;
    const readers = node.outputs[0]?.users ?? [];
    if (readers.length === 0 || (newer && outputs.has(node.output().name))) continue;
    const takesInt8 = (reader: BoltNode) => {
      const label = labels.get(reader)?.label;
      return label === "int8" || (isQuantizable(reader, model) && (int8ToFloatReaders || label !== "float"));
    };
    if (readers.every(takesInt8)) labels.set(node, { ...labelled, label: "int8" });
  }
}
