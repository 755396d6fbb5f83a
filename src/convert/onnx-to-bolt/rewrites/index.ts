import { BoltqError } from "../../../io/error.ts";
import type { OnnxModel } from "../../../onnx/model.ts";
import { ACTIVATION_REWRITES } from "./activations.ts";
import { EINSUM_REWRITES } from "./einsum.ts";
import { ELEMENTWISE_REWRITES } from "./elementwise.ts";
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
 * Writes operators that Bolt's operator of that name computes otherwise as such that it computes rightly. Needs the shapes
 * to be inferred, and does not infer those of what it adds. Throws BoltqError `unsupported` for an operator that has no
 * such form; with `onProblem` it tells that and goes on.
 */
export async function rewriteForBolt(
  { main, opsets }: OnnxModel,
  onProblem: (problem: BoltqError) => void = rethrow,
): Promise<void> {
  const opset = opsets.get("") ?? 1;
  for (const node of main.graph.nodes)
    if (node.type === "ReduceMean" && main.graph.has(node))
      await fuseLayerNormalization(new Rewriting(main, node, opset));
  for (const node of main.graph.nodes) {
    if (!main.graph.has(node)) continue;
    if (node.data.domain !== "" || !Object.hasOwn(REWRITES, node.type)) continue;
    try {
      await REWRITES[node.type]!(new Rewriting(main, node, opset));
    } catch (error) {
      if (!(error instanceof BoltqError)) throw error;
      onProblem(error.within({ subject: `operator "${node.name}" (${node.type})` }));
    }
  }
}

function rethrow(problem: BoltqError): never {
  throw problem;
}
