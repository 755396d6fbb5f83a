import { floatAttribute, intAttribute } from "../../../onnx/attributes.ts";
import type { OnnxValue } from "../../../onnx/model.ts";
import { axisOf } from "../../../onnx/shape-rules/dimensions.ts";
import { formulaOf } from "./formula.ts";
import type { Rewrite, RewriteTable } from "./rewrite.ts";

/** A layer whose mean or deviation is read, or whose factors are computed, is written out: Bolt's gives and takes neither. */
const layerNormalization: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const [input, scale, bias] = [node.input(0), node.input(1), node.inputs[2]];
  const isWhole = node.outputs.slice(1).every((output) => !rewriting.isUsed(output));
  if (isWhole && scale.constant !== undefined && (bias === undefined || bias.constant !== undefined)) return;
  const { op } = formulaOf(rewriting);
  const rank = rewriting.shapeOf(0).length;
  const first = axisOf(intAttribute(node, "axis", -1), rank);
  const axes = Array.from({ length: rank - first }, (_, index) => first + index);
  const meanOf = (value: OnnxValue) => op("ReduceMean", [value], { axes, keepdims: 1 });
  const mean = meanOf(input);
  const centred = op("Sub", [input, mean]);
  const variance = op("Add", [meanOf(op("Mul", [centred, centred])), floatAttribute(node, "epsilon", 1e-5)]);
  const inverse = op("Reciprocal", [op("Sqrt", [variance])]);
  const scaled = op("Mul", [op("Mul", [centred, inverse]), scale]);
  rewriting.become(bias === undefined ? scaled : op("Add", [scaled, bias]), mean, inverse);
};

/** Layers in parts. */
export const LAYER_STATISTICS_EXPANSIONS: RewriteTable = { LayerNormalization: layerNormalization };
