import { intAttribute } from "../attributes.ts";
import { ELEMENT_TYPES } from "../schema.ts";
import { broadcastShapes } from "./dimensions.ts";
import { type InferOutputs, type NodeFacts, rulesFor, type Shape, type ShapeRules, typed } from "./shape-rule.ts";

/** The first output is like the first input. */
const likeInput: InferOutputs = ({ type, shape }) => [typed(type(0), shape(0))];

const booleanLikeInput: InferOutputs = ({ shape }) => [typed("bool", shape(0))];

/** Before opset 7 the second operand was stretched to the first. */
function operandsShape({ node, opset, shape }: NodeFacts): Shape | undefined {
  if (opset < 7 && node.inputs.length <= 2) return shape(0);
  return broadcastShapes(node.inputs.map((_, index) => shape(index)));
}

const broadcast: InferOutputs = (facts) => [typed(facts.type(0), operandsShape(facts))];

const compare: InferOutputs = (facts) => [typed("bool", operandsShape(facts))];

const where: InferOutputs = (facts) => [typed(facts.type(1) ?? facts.type(2), operandsShape(facts))];

const cast: InferOutputs = ({ node, shape }) => [typed(ELEMENT_TYPES[intAttribute(node, "to", 0)], shape(0))];

const dropout: InferOutputs = ({ type, shape }) => [typed(type(0), shape(0)), typed("bool", shape(0))];

const UNARY = [
  "Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Celu Ceil Clip Cos Cosh Elu Erf Exp Floor Gelu HardSigmoid HardSwish",
  "Identity LeakyRelu Log Mish Neg Not Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt",
  "Swish Tan Tanh ThresholdedRelu CumSum Trilu ReverseSequence Scatter ScatterElements ScatterND RotaryEmbedding",
  "ImageScaler ParametricSoftplus ScaledTanh",
].flatMap((line) => line.split(" "));

const BINARY =
  "Add Sub Mul Div Pow Mod PRelu Max Min Mean Sum And Or Xor BitShift BitwiseAnd BitwiseOr BitwiseXor".split(" ");

/** Operators that work element by element, with broadcasting where there are several operands. */
export const ELEMENTWISE_RULES: ShapeRules = {
  ...rulesFor(UNARY, { infer: likeInput }),
  ...rulesFor(BINARY, { infer: broadcast }),
  ...rulesFor(["Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"], { infer: compare }),
  ...rulesFor(["IsNaN", "IsInf"], { infer: booleanLikeInput }),
  Where: { infer: where },
  Cast: { infer: cast },
  CastLike: { infer: ({ type, shape }) => [typed(type(1), shape(0))] },
  Dropout: { infer: dropout },
};
