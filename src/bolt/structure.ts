import { BoltqError } from "../io/error.ts";
import type { BoltModel, BoltNode, BoltWeight } from "./model.ts";
import { weightCount } from "./weight-values.ts";

/** Least inputs of operators; 1 where nothing is said. Bolt itself loses the input of an Unsqueeze. */
const LEAST_INPUTS: Readonly<Record<string, number>> = {
  None: 0,
  Input: 0,
  Constant: 0,
  SharedWeight: 0,
  PreAllocatedMemory: 0,
  Random: 0,
  Range: 0,
  Unsqueeze: 0,
  Jump: 0,
  Repeat: 0,
  MatMul: 2,
  Check: 2,
  GridSample: 2,
  NonMaxSuppression: 2,
  PriorBox: 2,
  RoIAlign: 2,
  SqDiff: 2,
  UnPooling: 2,
  DetectionOutput: 3,
  Scatter: 3,
};

/** Operators that may have no output. */
const WITHOUT_OUTPUT: ReadonlySet<string> = new Set(["None", "Input", "Jump", "Repeat", "Check"]);

/**
 * Makes sure that operators have the inputs and outputs that they need, and that the weights of convolutions and matrix
 * products have the length that the parameters say. Throws BoltqError `invalid-graph` that names the operator.
 */
export function checkStructure({ graph, weights }: BoltModel): void {
  for (const node of graph.nodes) {
    const least = LEAST_INPUTS[node.type] ?? 1;
    if (node.inputs.length < least)
      fail(node, `it has ${node.inputs.length} inputs, but needs ${least === 1 ? "one" : least}`);
    if (node.outputs.length === 0 && !WITHOUT_OUTPUT.has(node.type)) fail(node, "it has no output");
    const record = weights.of(node);
    if (record !== undefined) CHECKS[node.type]?.(node, record);
  }
}

type Check = (node: BoltNode, record: BoltWeight) => void;

/** A weight of kernels: one of each output channel; a bias has a number for each of them, float32 or float16. */
const checkConvolution: Check = (node, record) => {
  const { parameters } = node.data;
  const sizes = parameters.numbers("num_outputs", "kernel_t", "kernel_h", "kernel_w");
  const [outputs, group] = [sizes[0]!, parameters.number("group")];
  const kind = parameters.name("convolution_type");
  if (outputs < 1 || group < 1) fail(node, `it has ${outputs} outputs in ${group} groups`);
  const unit = sizes.reduce((product, size) => product * Math.max(1, size), 1);
  const grouped = kind === "DEPTHWISE" || kind === "DEPTHWISE_DECONVOLUTION" || kind === "DEPTHWISE_POINTWISE";
  if (!grouped && outputs % group !== 0) fail(node, `its ${outputs} outputs cannot be divided into ${group} groups`);
  // A depthwise and a pointwise convolution in one have the weights and biases of both.
  if (kind === "DEPTHWISE_POINTWISE") return;
  requireElements(node, record, unit);
  requireVector(node, record, outputs);
};

const checkMatrix: Check = (node, record) => {
  const outputs = node.data.parameters.number("num_outputs");
  if (outputs < 1) fail(node, "it has no outputs");
  requireElements(node, record, outputs);
  requireVector(node, record, outputs);
};

const CHECKS: Readonly<Record<string, Check | undefined>> = {
  Conv: checkConvolution,
  Deconvolution: checkConvolution,
  FC: checkMatrix,
};

/** A weight of whole units; the last half byte of an int4 weight may be padding. */
function requireElements(node: BoltNode, record: BoltWeight, unit: number): void {
  const count = weightCount(record);
  const rest = count % unit;
  if (count >= unit && (rest === 0 || (record.dataType === "I4" && rest === 1))) return;
  fail(node, `its weight has ${count} elements, but its parameters say a multiple of ${unit}`);
}

function requireVector(node: BoltNode, { vector }: BoltWeight, count: number): void {
  if ([0, 2 * count, 4 * count].includes(vector.length)) return;
  fail(node, `its vector has ${vector.length} bytes, which is not ${count} numbers`);
}

function fail(node: BoltNode, problem: string): never {
  throw new BoltqError("invalid-graph", problem, {
    subject: `operator "${node.name}" (${node.type})`,
    remedy: "The file is damaged or was written wrongly; convert the original model again",
  });
}
