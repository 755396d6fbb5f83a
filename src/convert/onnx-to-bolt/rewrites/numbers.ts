import { intAttribute } from "../../../onnx/attributes.ts";
import { elementTypeNumber } from "../../../onnx/schema.ts";
import { formulaOf } from "./formula.ts";
import type { Rewrite, RewriteTable } from "./rewrite.ts";

/** A cast to the type of another value. */
const castLike: Rewrite = (rewriting) =>
  rewriting.replace("Cast", [rewriting.node.input(0)], { to: elementTypeNumber(rewriting.typeOf(1)) });

/** Nothing but what is not a number is unequal to itself. */
const isNotNumber: Rewrite = (rewriting) => {
  const { op } = formulaOf(rewriting);
  const input = rewriting.node.input(0);
  rewriting.become(op("Not", [op("Equal", [input, input])]));
};

const isInfinite: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const { op } = formulaOf(rewriting);
  const [below, above] = ["detect_negative", "detect_positive"].map((name) => intAttribute(node, name, 1) !== 0);
  if (!below && !above) rewriting.fail("it detects nothing", "Take it out before exporting");
  const measured = below && above ? op("Abs", [node.input(0)]) : node.input(0);
  rewriting.become(op("Equal", [measured, above ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY]));
};

/** Whole numbers are padded as floats, which hold them exactly below 2^24. */
const pad: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const type = rewriting.typeOf(0);
  if (type.includes("float")) return;
  const { op, cast } = formulaOf(rewriting);
  const [input, pads, value, ...axes] = node.inputs;
  const padded = op("Pad", [cast(input!, "float32"), pads, value && cast(value, "float32"), ...axes]);
  padded.producer!.data.attributes = node.data.attributes;
  rewriting.become(cast(padded, type));
};

/** relu(x) - slope · relu(-x), where the slopes do not lie along the channels. */
const slopes: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const slope = node.input(1);
  const rank = rewriting.shapeOf(0).length;
  if (slope.constant !== undefined && isAlongChannels(slope.constant.shape, rank)) return;
  const { op } = formulaOf(rewriting);
  const input = node.input(0);
  const below = op("Mul", [op("Relu", [op("Neg", [input])]), slope]);
  rewriting.become(op("Sub", [op("Relu", [input]), below]));
};

function isAlongChannels(shape: readonly number[], rank: number): boolean {
  return shape.every((size, axis) => size === 1 || axis - shape.length + rank === 1);
}

/** (x - mean) / (deviation + 1e-9) over axes. */
const meanVariance: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const { op } = formulaOf(rewriting);
  const stated = node.data.attributes.get("axes");
  const axes = stated?.kind === "ints" ? stated.value : [0, 2, 3];
  const mean = (value: ReturnType<typeof op>) => op("ReduceMean", [value], { axes, keepdims: 1 });
  const centred = op("Sub", [node.input(0), mean(node.input(0))]);
  const deviation = op("Sqrt", [mean(op("Mul", [centred, centred]))]);
  rewriting.become(op("Div", [centred, op("Add", [deviation, 1e-9])]));
};

/** Functions of numbers that Bolt lacks, or has for some types alone. */
export const NUMBER_EXPANSIONS: RewriteTable = {
  CastLike: castLike,
  IsNaN: isNotNumber,
  IsInf: isInfinite,
  Pad: pad,
  PRelu: slopes,
  MeanVarianceNormalization: meanVariance,
};
