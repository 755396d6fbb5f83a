import { foldBatchNorm } from "../../transform/bolt/fold-batch-norm.ts";
import { foldScale } from "../../transform/bolt/fold-scale.ts";
import { fuseActivation } from "../../transform/bolt/fuse-activation.ts";
import { moveStride } from "../../transform/bolt/move-stride.ts";
import type { BoltPass } from "../../transform/bolt/pass.ts";

export { padChannels } from "../../transform/bolt/pad-channels.ts";

/** What `-b` asks for, in the order of Bolt's tool. Loaded when a model is prepared. */
export const FUSIONS: readonly BoltPass[] = [foldBatchNorm, foldScale, foldBatchNorm, fuseActivation, moveStride];
