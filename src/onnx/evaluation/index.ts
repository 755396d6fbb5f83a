import { ARITHMETIC } from "./arithmetic.ts";
import type { Evaluators } from "./evaluator.ts";
import { GENERATION } from "./generation.ts";
import { MOVEMENT } from "./movement.ts";
import { REDUCTIONS } from "./reduction.ts";

/**
 * Operators of ai.onnx that are calculated in place, by type, given all output shapes. Constant, ConstantOfShape, Shape
 * and Size are known without inputs' elements and are not among them.
 */
export const EVALUATORS: Evaluators = { ...ARITHMETIC, ...MOVEMENT, ...REDUCTIONS, ...GENERATION };
