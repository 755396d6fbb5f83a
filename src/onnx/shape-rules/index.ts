import { CONVOLUTION_RULES } from "./convolution.ts";
import { ELEMENTWISE_RULES } from "./elementwise.ts";
import { GENERATION_RULES } from "./generation.ts";
import { LAYOUT_RULES } from "./layout.ts";
import { MATRIX_RULES } from "./matrix.ts";
import { NORMALIZATION_RULES } from "./normalization.ts";
import { POOLING_RULES } from "./pooling.ts";
import { QUANTIZATION_RULES } from "./quantization.ts";
import { RECURRENT_RULES } from "./recurrent.ts";
import { REDUCTION_RULES } from "./reduction.ts";
import { RESIZE_RULES } from "./resize.ts";
import type { ShapeRules } from "./shape-rule.ts";
import { SLICING_RULES } from "./slicing.ts";

/** Shape rules by operator type of ai.onnx. Operators with subgraphs are not among them. */
export const SHAPE_RULES: ShapeRules = {
  ...ELEMENTWISE_RULES,
  ...CONVOLUTION_RULES,
  ...POOLING_RULES,
  ...MATRIX_RULES,
  ...NORMALIZATION_RULES,
  ...LAYOUT_RULES,
  ...SLICING_RULES,
  ...GENERATION_RULES,
  ...REDUCTION_RULES,
  ...RESIZE_RULES,
  ...RECURRENT_RULES,
  ...QUANTIZATION_RULES,
};
