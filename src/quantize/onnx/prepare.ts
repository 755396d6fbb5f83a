import { foldConstants } from "../../onnx/constant-folding.ts";
import type { OnnxGraph, OnnxModel } from "../../onnx/model.ts";
import { inferShapes } from "../../onnx/shape-inference.ts";
import { subgraphsOf } from "../../onnx/subgraphs.ts";
import { foldBatchNorm } from "../../transform/onnx/fold-batch-norm.ts";
import { constantsToInitializers, freeInitializers } from "../../transform/onnx/initializers.ts";
import { pooledConvolutionToGemm } from "../../transform/onnx/pooled-convolution-to-gemm.ts";
import { raiseOpset } from "../../transform/onnx/raise-opset.ts";
import { widenHalfFloats } from "../../transform/onnx/widen-half-floats.ts";
import { refuseQuantized } from "./refuse-quantized.ts";

/** Older opsets are raised to this. */
const OBSERVABLE_OPSET = 13;

/** Weights up to so many elements are calculated where operators stand between them and their readers. */
const MOST_FOLDED_ELEMENTS = 2 ** 22;

/** What was changed about a model. */
export interface Preparation {
  readonly notes: string[];
  /** The opset as it came. */
  readonly opset: number;
}

/**
 * Brings a model into the form that quantization works on: opset 13 or newer, float32, what is constant as initializers,
 * BatchNormalization folded, every operator with a name of its own, shapes inferred. Returns what was changed, for the
 * user to know, and the opset it came with. Throws BoltqError `unsupported` when the opset cannot be raised or the model is quantized already.
 */
export async function prepareForQuantization(model: OnnxModel): Promise<Preparation> {
  refuseQuantized(model);
  const declared = model.main.graph.outputs.map(({ type }) => type);
  constantsToInitializers(model);
  freeInitializers(model);
  // What older operators mean can hang on the rank of their inputs.
  if ((model.opsets.get("") ?? 0) < OBSERVABLE_OPSET) await inferShapes(model);
  const from = await raiseOpset(model);
  const halves = widenHalfFloats(model);
  const { operators } = await foldConstants(model, { mostElements: MOST_FOLDED_ELEMENTS });
  const calculated = operators.filter(({ how }) => how === "calculated").length;
  const folded = await foldBatchNorm(model);
  nameOperators(model);
  await inferShapes(model);
  // What follows from the operators may bear other names of dimensions than the file says: programs ask for those.
  for (const [index, output] of model.main.graph.outputs.entries()) {
    const type = declared[index];
    if (type?.shape !== undefined && type.type === output.type?.type) output.type = type;
  }
  pooledConvolutionToGemm(model);
  const notes = [
    ...(from === undefined ? [] : [`the opset was raised from ${from} to ${model.opsets.get("")}`]),
    ...halves.map((half) => `what is ${half} inside the model became float32, as ONNX Runtime computes`),
    ...(calculated === 0 ? [] : [`${calculated} operators over constants were calculated`]),
    ...(folded.length === 0 ? [] : [`${folded.length} BatchNormalization operators were folded into weights`]),
  ];
  return { notes, opset: from ?? model.opsets.get("")! };
}

/** Plans speak of operators by name: those without one are called after their output, as X2bolt does. */
function nameOperators(model: OnnxModel): void {
  nameOperatorsOf([model.main], new Set());
}

function nameOperatorsOf(graphs: readonly OnnxGraph[], known: Set<string>): void {
  const nodes = graphs.flatMap(({ graph }) => graph.nodes);
  for (const node of nodes) {
    const wanted = node.name || node.outputs[0]?.name || node.type;
    node.name = wanted;
    for (let count = 2; known.has(node.name); count++) node.name = `${wanted}_${count}`;
    known.add(node.name);
  }
  if (nodes.length > 0) nameOperatorsOf(nodes.flatMap(subgraphsOf), known);
}
