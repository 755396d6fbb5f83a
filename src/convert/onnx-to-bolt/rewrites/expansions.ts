import { CHOICE_EXPANSIONS } from "./choices.ts";
import { DILATED_POOLING_EXPANSIONS } from "./dilated-pooling.ts";
import { LAYER_STATISTICS_EXPANSIONS } from "./layer-statistics.ts";
import { LOSS_EXPANSIONS } from "./losses.ts";
import { MADE_EXPANSIONS } from "./made-constants.ts";
import { NUMBER_EXPANSIONS } from "./numbers.ts";
import { POWER_EXPANSIONS } from "./powers.ts";
import { QUANTIZED_EXPANSIONS } from "./quantized.ts";
import type { RewriteTable } from "./rewrite.ts";
import { TRIGONOMETRY_EXPANSIONS } from "./trigonometry.ts";

/**
 * Operators that Bolt lacks, written as several that ONNX has; what these become in Bolt is not their concern. One that
 * takes the operator as it is leaves it alone.
 */
export const EXPANSIONS: RewriteTable = {
  ...CHOICE_EXPANSIONS,
  ...DILATED_POOLING_EXPANSIONS,
  ...LAYER_STATISTICS_EXPANSIONS,
  ...LOSS_EXPANSIONS,
  ...MADE_EXPANSIONS,
  ...NUMBER_EXPANSIONS,
  ...POWER_EXPANSIONS,
  ...QUANTIZED_EXPANSIONS,
  ...TRIGONOMETRY_EXPANSIONS,
};
