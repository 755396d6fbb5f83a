import type { BoltModel } from "../../bolt/model.ts";
import { type BoltRules, rulesOf } from "../../bolt/rules.ts";
import { watchNodes } from "../../graph/changed-nodes.ts";
import { absorbInputChanges } from "./absorb-input-changes.ts";
import { foldBatchNorm } from "./fold-batch-norm.ts";
import { foldBias } from "./fold-bias.ts";
import { foldPadding } from "./fold-padding.ts";
import { foldScale } from "./fold-scale.ts";
import { foldTransposeIntoMatmul } from "./fold-transpose-into-matmul.ts";
import { fuseActivation } from "./fuse-activation.ts";
import { fuseDepthwisePointwise } from "./fuse-depthwise-pointwise.ts";
import { fuseGelu } from "./fuse-gelu.ts";
import { fuseHardSwish } from "./fuse-hard-swish.ts";
import { fuseLayerNorm } from "./fuse-layer-norm.ts";
import { fuseSwish } from "./fuse-swish.ts";
import { interfaceNames, restoreNames } from "./keep-names.ts";
import { mergeNormAndScale } from "./merge-norm-and-scale.ts";
import { mergeRelus } from "./merge-relus.ts";
import { mergeTransposes } from "./merge-transposes.ts";
import { moveStride } from "./move-stride.ts";
import { padChannels } from "./pad-channels.ts";
import { padRecurrent } from "./pad-recurrent.ts";
import { type BoltPass, dropRetired, type PassOptions } from "./pass.ts";
import { placeTensors } from "./place-tensors.ts";
import { removeRedundant } from "./remove-redundant.ts";
import { simplifyClips } from "./simplify-clips.ts";
import { simplifyPowers } from "./simplify-powers.ts";
import { simplifyRecurrent } from "./simplify-recurrent.ts";
import { dropReshapesBeforeReshapes, simplifyReshapes } from "./simplify-reshapes.ts";
import { workInPlace } from "./work-in-place.ts";

/** A pass, and for which of Bolt's versions and outputs it runs; everywhere unless said otherwise. */
interface ListedPass {
  readonly pass: BoltPass;
  readonly rules?: BoltRules;
  /** Only for the quantizer's input (true), or only for networks to run (false). */
  readonly forQuantizer?: boolean;
}

const foldScaleIntoScale: BoltPass = (model, options) => foldScale(model, { ...options, onlyIntoScale: true });

/** The rewrites of ModelSpecOptimizer::suggest that are known here, in order. */
const PASSES: readonly ListedPass[] = [
  { pass: removeRedundant },
  { pass: simplifyRecurrent },
  { pass: padRecurrent },
  { pass: absorbInputChanges, rules: "1.3.0" },
  { pass: dropReshapesBeforeReshapes },
  { pass: simplifyClips },
  { pass: mergeTransposes },
  { pass: fuseGelu },
  { pass: fuseSwish },
  { pass: fuseHardSwish },
  { pass: foldTransposeIntoMatmul },
  { pass: foldBias },
  { pass: simplifyPowers },
  { pass: mergeTransposes, rules: "1.5" },
  { pass: fuseActivation },
  { pass: foldBatchNorm, forQuantizer: false },
  { pass: foldScale, forQuantizer: false },
  { pass: foldBatchNorm, forQuantizer: false },
  { pass: foldScale, forQuantizer: false },
  { pass: fuseActivation, forQuantizer: false },
  { pass: mergeNormAndScale, forQuantizer: false },
  { pass: foldScaleIntoScale, rules: "1.5", forQuantizer: true },
  { pass: foldScale, rules: "1.5", forQuantizer: false },
  { pass: foldPadding },
  { pass: fuseActivation },
  { pass: padChannels, forQuantizer: false },
  { pass: fuseDepthwisePointwise, forQuantizer: false },
  { pass: fuseLayerNorm },
  { pass: simplifyReshapes },
  { pass: mergeRelus },
  { pass: moveStride },
  { pass: absorbInputChanges, rules: "1.5" },
  { pass: workInPlace, forQuantizer: false },
  { pass: placeTensors, forQuantizer: false },
];

export interface X2boltPassOptions extends PassOptions {
  readonly forQuantizer: boolean;
  /** Told of each pass that changed something, and the operators that it changed, as they were called before. */
  readonly onRewrite?: ((pass: string, operators: readonly string[]) => void) | undefined;
}

/** Rewrites a freshly lowered model as X2bolt does. */
export async function runX2boltPasses(model: BoltModel, options: X2boltPassOptions): Promise<void> {
  const { forQuantizer, onRewrite } = options;
  const names = interfaceNames(model);
  const rules = rulesOf(model.version);
  for (const { pass, ...listed } of PASSES) {
    if (listed.rules !== undefined && listed.rules !== rules) continue;
    if (listed.forQuantizer !== undefined && listed.forQuantizer !== forQuantizer) continue;
    const changedNodes = onRewrite === undefined ? undefined : watchNodes(model.graph);
    if ((await pass(model, options)) && changedNodes !== undefined) onRewrite?.(pass.name, changedNodes());
  }
  if (rules === "1.5") restoreNames(model, names, options.asBolt);
  dropRetired(model);
  for (const node of model.graph.nodes) {
    if (forQuantizer) node.data.positions = new Int32Array(node.inputs.length + node.outputs.length);
  }
}
