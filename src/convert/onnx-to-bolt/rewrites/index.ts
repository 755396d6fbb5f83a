import { BoltqError } from "../../../io/error.ts";
import { requireWeightShapes } from "../../../onnx/attribute-limits.ts";
import type { OnnxModel } from "../../../onnx/model.ts";
import { ACTIVATION_REWRITES } from "./activations.ts";
import { EINSUM_REWRITES } from "./einsum.ts";
import { ELEMENTWISE_REWRITES } from "./elementwise.ts";
import { EXPANSIONS } from "./expansions.ts";
import { fuseLayerNormalization } from "./fuse-layer-normalization.ts";
import { INDEXING_REWRITES } from "./indexing.ts";
import { INTEGER_REWRITES } from "./integers.ts";
import { LOGARITHM_REWRITES } from "./logarithms.ts";
import { MATRIX_REWRITES } from "./matrix.ts";
import { NORMALIZATION_REWRITES } from "./normalization.ts";
import { RECURRENT_REWRITES } from "./recurrent.ts";
import { REDUCTION_REWRITES } from "./reductions.ts";
import { RESIZE_REWRITES } from "./resize.ts";
import { type RewriteTable, Rewriting } from "./rewrite.ts";
import { SOFTMAX_REWRITES } from "./softmax.ts";
import { WINDOW_REWRITES } from "./windows.ts";

const REWRITES: RewriteTable = {
  ...ELEMENTWISE_REWRITES,
  ...ACTIVATION_REWRITES,
  ...EINSUM_REWRITES,
  ...INDEXING_REWRITES,
  ...INTEGER_REWRITES,
  ...LOGARITHM_REWRITES,
  ...MATRIX_REWRITES,
  ...NORMALIZATION_REWRITES,
  ...RECURRENT_REWRITES,
  ...REDUCTION_REWRITES,
  ...RESIZE_REWRITES,
  ...SOFTMAX_REWRITES,
  ...WINDOW_REWRITES,
};

/**
 * Writes operators that Bolt lacks as others of ONNX. Needs the shapes to be inferred, and does not infer those of what it
 * adds; says whether it added anything, since that may be rewritten in turn. Problems as `rewriteForBolt` has them.
 */
export async function expandForBolt(model: OnnxModel, onProblem: (problem: BoltqError) => void = rethrow) {
  return rewriteBy(EXPANSIONS, model, onProblem);
}

/**
 * Writes operators that Bolt's operator of that name computes otherwise as such that it computes rightly. Needs the shapes
 * to be inferred, and does not infer those of what it adds. Throws BoltqError `unsupported` for an operator that has no
 * such form; with `onProblem` it tells that and goes on.
 */
export async function rewriteForBolt(
  model: OnnxModel,
  onProblem: (problem: BoltqError) => void = rethrow,
): Promise<void> {
  const { main } = model;
  for (const node of main.graph.nodes)
    if (node.type === "ReduceMean" && main.graph.has(node))
      await fuseLayerNormalization(new Rewriting(main, node, opsetOf(model)));
  await rewriteBy(REWRITES, model, onProblem);
}

/** Whether an operator was replaced. */
async function rewriteBy(table: RewriteTable, model: OnnxModel, onProblem: (problem: BoltqError) => void) {
  const { main } = model;
  let replaced = false;
  for (const node of main.graph.nodes) {
    if (!main.graph.has(node)) continue;
    if (node.data.domain !== "" || !Object.hasOwn(table, node.type)) continue;
    try {
      // Constants may have been calculated since the model was read.
      requireWeightShapes(node);
      await table[node.type]!(new Rewriting(main, node, opsetOf(model)));
      replaced ||= !main.graph.has(node);
    } catch (error) {
      if (!(error instanceof BoltqError)) throw error;
      onProblem(error.within({ subject: `operator "${node.name}" (${node.type})` }));
    }
  }
  return replaced;
}

function opsetOf({ opsets }: OnnxModel): number {
  return opsets.get("") ?? 1;
}

function rethrow(problem: BoltqError): never {
  throw problem;
}
