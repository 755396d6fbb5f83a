import { intAttribute } from "../attributes.ts";
import { ELEMENT_TYPES } from "../schema.ts";
import { type InferOutputs, type ShapeRules, typed } from "./shape-rule.ts";

const quantize: InferOutputs = ({ node, type, shape }) => [
  typed(type(2) ?? ELEMENT_TYPES[intAttribute(node, "output_dtype", 0)] ?? "uint8", shape(0)),
];

/** y, its scale and its zero point. */
const dynamicQuantize: InferOutputs = ({ shape }) => [
  typed("uint8", shape(0)),
  typed("float32", []),
  typed("uint8", []),
];

/** Steps between real numbers and integers. */
export const QUANTIZATION_RULES: ShapeRules = {
  QuantizeLinear: { infer: quantize },
  DequantizeLinear: {
    infer: ({ node, type, shape }) => [
      typed(ELEMENT_TYPES[intAttribute(node, "output_dtype", 0)] ?? type(1), shape(0)),
    ],
  },
  DynamicQuantizeLinear: { infer: dynamicQuantize },
};
