import { elementCount } from "../../../graph/tensor.ts";
import { intAttribute, textAttribute } from "../../../onnx/attributes.ts";
import type { OnnxValue } from "../../../onnx/model.ts";
import { type Formula, formulaOf } from "./formula.ts";
import type { Rewrite, RewriteTable, Rewriting } from "./rewrite.ts";

/** Scores as batch × places × classes, and the sizes behind the batch and classes. */
interface Scores {
  readonly values: OnnxValue;
  readonly batch: number;
  readonly classes: number;
  readonly places: readonly number[];
}

function scoresOf(rewriting: Rewriting, formula: Formula): Scores {
  const [batch, classes, ...places] = rewriting.staticShapeOf(0) as [number, number, ...number[]];
  const flat = formula.reshape(rewriting.node.input(0), [batch, classes, elementCount(places)]);
  return { values: formula.op("Transpose", [flat], { perm: [0, 2, 1] }), batch, classes, places };
}

/** Minus what stands at the target of each place, times the weight of its class; what is to be ignored counts nothing. */
function likelihoodLoss(rewriting: Rewriting, formula: Formula, scores: Scores): OnnxValue {
  const { node } = rewriting;
  const { op } = formula;
  const targets = formula.reshape(node.input(1), [scores.batch, elementCount(scores.places), 1]);
  const type = rewriting.typeOf(1);
  const ignored = node.data.attributes.has("ignore_index")
    ? op("Equal", [targets, formula.constant(type, [1], [intAttribute(node, "ignore_index", 0)])])
    : undefined;
  const kept = ignored && formula.cast(op("Not", [ignored]), "float32");
  const safe = kept === undefined ? targets : op("Mul", [targets, formula.cast(op("Not", [ignored]), type)]);
  const stated = node.inputs[2] && op("Gather", [node.inputs[2], safe], { axis: 0 });
  const weight = stated && kept ? op("Mul", [stated, kept]) : (stated ?? kept);
  const picked = op("Neg", [op("GatherElements", [scores.values, safe], { axis: 2 })]);
  const loss = weight ? op("Mul", [picked, weight]) : picked;
  const total = (value: OnnxValue, reduction = "ReduceSum") => op(reduction, [value], { axes: [0, 1, 2], keepdims: 0 });
  switch (textAttribute(node, "reduction", "mean")) {
    case "none":
      return formula.reshape(loss, [scores.batch, ...scores.places]);
    case "sum":
      return total(loss);
    default:
      return weight ? op("Div", [total(loss), total(weight)]) : total(loss, "ReduceMean");
  }
}

const negativeLogLikelihood: Rewrite = (rewriting) => {
  const formula = formulaOf(rewriting);
  rewriting.become(likelihoodLoss(rewriting, formula, scoresOf(rewriting, formula)));
};

const softmaxCrossEntropy: Rewrite = (rewriting) => {
  const formula = formulaOf(rewriting);
  const scores = scoresOf(rewriting, formula);
  const values = formula.op("LogSoftmax", [scores.values], { axis: 2 });
  const loss = likelihoodLoss(rewriting, formula, { ...scores, values });
  if (!rewriting.isUsed(rewriting.node.outputs[1])) return rewriting.become(loss);
  const classesFirst = formula.op("Transpose", [values], { perm: [0, 2, 1] });
  rewriting.become(loss, formula.reshape(classesFirst, rewriting.staticShapeOf(0)));
};

/** Losses, as their definitions have them. */
export const LOSS_EXPANSIONS: RewriteTable = {
  NegativeLogLikelihoodLoss: negativeLogLikelihood,
  SoftmaxCrossEntropyLoss: softmaxCrossEntropy,
};
