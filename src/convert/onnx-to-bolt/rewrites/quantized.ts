import type { ElementType } from "../../../graph/tensor.ts";
import { intAttribute } from "../../../onnx/attributes.ts";
import type { OnnxValue } from "../../../onnx/model.ts";
import { axisOf } from "../../../onnx/shape-rules/dimensions.ts";
import { shapeOf } from "../../../onnx/shape-rules/shape-rule.ts";
import { type Formula, formulaOf, type Operand } from "./formula.ts";
import type { Rewrite, RewriteTable, Rewriting } from "./rewrite.ts";

/** What a quantized number may be. */
const RANGES: Partial<Record<ElementType, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
};

/** A scale or zero point as float: one for all, or one for each index of an axis of the input at `host`, laid along it. */
function laidAlong(
  rewriting: Rewriting,
  { cast, reshape }: Formula,
  place: number,
  axis: number,
  host = 0,
): OnnxValue | undefined {
  const value = rewriting.node.inputs[place];
  if (value === undefined) return undefined;
  const shape = shapeOf(value) ?? rewriting.fail("the shape of its scale is unknown");
  if (shape.length > 1) rewriting.fail("Bolt has no scales in blocks");
  const [real, size] = [cast(value, "float32"), Number(shape[0] ?? 1)];
  if (size === 1) return real;
  const rank = rewriting.shapeOf(host).length;
  return reshape(
    real,
    Array.from({ length: rank }, (_, index) => (index === axisOf(axis, rank) ? size : 1)),
  );
}

/** The float number that is meant, but for its scale: what stands at `place` less its zero point. */
function levels(rewriting: Rewriting, { op, cast }: Formula, place: number, zero: OnnxValue | undefined): OnnxValue {
  const numbers = cast(rewriting.node.input(place), "float32");
  return zero === undefined ? numbers : op("Sub", [numbers, zero]);
}

/** Rounded to the nearest whole number, halves to even, moved by the zero point and cut to what the type holds. */
function quantized({ op, cast }: Formula, value: OnnxValue, zero: Operand, type: ElementType): OnnxValue {
  const [low, high] = RANGES[type]!;
  const rounded = op("Round", [value]);
  const moved = zero === undefined ? rounded : op("Add", [rounded, zero]);
  return cast(op("Clip", [moved, low, high]), type);
}

function storedType(rewriting: Rewriting, place: number): ElementType {
  const stated = rewriting.node.inputs[place] === undefined ? "uint8" : rewriting.typeOf(place);
  return RANGES[stated] === undefined ? rewriting.fail(`Bolt has no numbers of type ${stated}`) : stated;
}

const quantizeLinear: Rewrite = (rewriting) => {
  const formula = formulaOf(rewriting);
  const axis = intAttribute(rewriting.node, "axis", 1);
  const scale = laidAlong(rewriting, formula, 1, axis);
  const zero = laidAlong(rewriting, formula, 2, axis);
  const value = formula.op("Div", [rewriting.node.input(0), scale]);
  rewriting.become(quantized(formula, value, zero, storedType(rewriting, 2)));
};

const dequantizeLinear: Rewrite = (rewriting) => {
  const formula = formulaOf(rewriting);
  const axis = intAttribute(rewriting.node, "axis", 1);
  const whole = levels(rewriting, formula, 0, laidAlong(rewriting, formula, 2, axis));
  rewriting.become(formula.op("Mul", [whole, laidAlong(rewriting, formula, 1, axis)]));
};

/** The range of the input and zero, in 255 steps. */
const dynamicQuantizeLinear: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const formula = formulaOf(rewriting);
  const { op, cast } = formula;
  const input = node.input(0);
  const extreme = (type: "Min" | "Max") => op(type, [op(`Reduce${type}`, [input], { keepdims: 0 }), 0]);
  const [least, most] = [extreme("Min"), extreme("Max")];
  const scale = op("Div", [op("Sub", [most, least]), 255]);
  const zero = op("Clip", [op("Round", [op("Div", [op("Neg", [least]), scale])]), 0, 255]);
  rewriting.become(quantized(formula, op("Div", [input, scale]), zero, "uint8"), scale, cast(zero, "uint8"));
};

/** A product or convolution of whole numbers, exact in float32 below 2^24. */
function wholeProduct(rewriting: Rewriting, formula: Formula, type: "Conv" | "MatMul", places: readonly number[]) {
  const { node } = rewriting;
  const [left, leftZero, right, rightZero, bias] = places as [number, number, number, number, number | undefined];
  const zeroOf = (place: number) => node.inputs[place] && formula.cast(node.inputs[place], "float32");
  const rightAxis = type === "Conv" ? 0 : -1;
  const factors = [
    levels(rewriting, formula, left, zeroOf(leftZero)),
    levels(rewriting, formula, right, laidAlong(rewriting, formula, rightZero, rightAxis, right)),
  ];
  const summand = bias === undefined ? undefined : zeroOf(bias);
  const product = formula.op(type, summand === undefined ? factors : [...factors, summand]);
  if (type === "Conv") product.producer!.data.attributes = node.data.attributes;
  return product;
}

const wholeNumbers =
  (type: "Conv" | "MatMul"): Rewrite =>
  (rewriting) => {
    const formula = formulaOf(rewriting);
    rewriting.become(formula.cast(wholeProduct(rewriting, formula, type, [0, 2, 1, 3]), "int32"));
  };

/** The product of the whole numbers times the scales of both sides, in steps of the result. */
const quantizedProduct =
  (type: "Conv" | "MatMul"): Rewrite =>
  (rewriting) => {
    const { node } = rewriting;
    const formula = formulaOf(rewriting);
    const { op, cast } = formula;
    const sum = wholeProduct(rewriting, formula, type, [0, 2, 3, 5, 8]);
    // The scales of a kernel's outputs lie along the channels of the result.
    const weights = laidAlong(rewriting, formula, 4, type === "Conv" ? 1 : -1);
    const step = op("Div", [op("Mul", [node.input(1), weights]), node.input(6)]);
    const zero = node.inputs[7] && cast(node.inputs[7], "float32");
    rewriting.become(quantized(formula, op("Mul", [sum, step]), zero, storedType(rewriting, 7)));
  };

/** Quantized arithmetic in float. */
export const QUANTIZED_EXPANSIONS: RewriteTable = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  ConvInteger: wholeNumbers("Conv"),
  MatMulInteger: wholeNumbers("MatMul"),
  QLinearConv: quantizedProduct("Conv"),
  QLinearMatMul: quantizedProduct("MatMul"),
};
