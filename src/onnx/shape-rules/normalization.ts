import { intAttribute } from "../attributes.ts";
import { axisOf } from "./dimensions.ts";
import { type InferOutputs, rulesFor, type ShapeRules, typed } from "./shape-rule.ts";

const likeInput: InferOutputs = ({ type, shape }) => [typed(type(0), shape(0))];

/** In training mode: y, running mean, running variance, and before opset 14 two more. */
const batchNorm: InferOutputs = ({ node, type, shape }) => [
  typed(type(0), shape(0)),
  ...node.outputs.slice(1).map(() => typed(type(3), shape(3))),
];

/** y, and per normalized block the mean and the inverse deviation. */
const layerNorm: InferOutputs = ({ node, type, shape }) => {
  const input = shape(0);
  if (input === undefined) return [typed(type(0), undefined)];
  const first = axisOf(intAttribute(node, "axis", -1), input.length);
  const statistic = typed(
    "float32",
    input.map((size, axis) => (axis < first ? size : 1)),
  );
  return [typed(type(0), input), statistic, statistic];
};

/** Normalizations: shapes stay as they are. */
export const NORMALIZATION_RULES: ShapeRules = {
  ...rulesFor(
    [
      "InstanceNormalization",
      "GroupNormalization",
      "RMSNormalization",
      "LpNormalization",
      "MeanVarianceNormalization",
      "LRN",
      "Softmax",
      "LogSoftmax",
      "Hardmax",
    ],
    { infer: likeInput },
  ),
  BatchNormalization: { infer: batchNorm },
  LayerNormalization: { infer: layerNorm },
};
