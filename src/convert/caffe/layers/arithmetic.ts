import type { OnnxValue } from "../../../onnx/model.ts";
import { ELTWISE_OPERATIONS, REDUCTION_OPERATIONS } from "../enumerations.ts";
import type { LayerContext, LayerTable } from "../layer-context.ts";

const ELTWISE = { PROD: "Mul", SUM: "Add", MAX: "Max", DIV: "Div" };

function eltwise(context: LayerContext): OnnxValue {
  const text = context.parameters("eltwise_param");
  const type = context.chosen(ELTWISE, text.word("operation", "SUM", ELTWISE_OPERATIONS), "operation");
  text.flag("stable_prod_grad", true);
  const coefficients = text.floats("coeff");
  if (coefficients.length > 0 && (type !== "Add" || coefficients.length !== context.inputs.length))
    context.fail("format", `${coefficients.length} coefficients do not fit ${context.inputs.length} bottoms`);
  if (context.inputs.length < 2) context.fail("format", "it needs two bottoms or more");
  const terms = context.inputs.map((input, index) => {
    const coefficient = coefficients[index] ?? 1;
    if (input.type?.shape?.join() !== context.shape().join()) context.fail("format", "its bottoms differ in shape");
    if (coefficient === 1) return input;
    return context.add("Mul", [input, context.scalar(`coefficient${index}`, coefficient)], { suffix: `term${index}` });
  });
  return terms.reduce((left, right, index) =>
    context.add(type, [left, right], index === terms.length - 1 ? {} : { suffix: `part${index}` }),
  );
}

/** Sums or means over all axes from `axis` on, times a factor. */
function reduction(context: LayerContext): OnnxValue {
  const text = context.parameters("reduction_param");
  const input = context.input();
  const shape = context.shape();
  const axis = context.axis(text.integer("axis", 0), shape.length);
  const factor = text.float("coeff", 1);
  const kept = text.flag("keep_dim", false);
  const axes = shape.flatMap((_, index) => (index < axis ? [] : [index]));
  const operation = text.word("operation", "SUM", REDUCTION_OPERATIONS);
  const term = context.chosen(REDUCED_TERMS, operation, "operation");
  const options = {
    ...(factor === 1 ? {} : { suffix: "reduced" }),
    shape: kept ? shape.map((size, index) => (index < axis ? size : 1)) : shape.slice(0, axis),
  };
  const value = term(context, input);
  const keepdims = kept ? 1 : 0;
  const reduced =
    operation === "MEAN"
      ? context.add("ReduceMean", [value], { ...options, attributes: { axes, keepdims } })
      : context.add("ReduceSum", [value, context.integers("axes", axes)], { ...options, attributes: { keepdims } });
  return factor === 1 ? reduced : context.add("Mul", [reduced, context.scalar("factor", factor)]);
}

const REDUCED_TERMS: Readonly<Record<string, (context: LayerContext, input: OnnxValue) => OnnxValue>> = {
  SUM: (_, input) => input,
  ASUM: (context, input) => context.add("Abs", [input], { suffix: "magnitude" }),
  SUMSQ: (context, input) => context.add("Mul", [input, input], { suffix: "square" }),
  MEAN: (_, input) => input,
};

/** Bolt's own layer: a product of matrices that are both computed. */
function matMul(context: LayerContext): OnnxValue {
  const text = context.parameters("matmul_param");
  const [left, right] = [
    turned(context, 0, text.flag("transpose_a", false)),
    turned(context, 1, text.flag("transpose_b", false)),
  ];
  const [rows, inner] = context.shapeOf(left).slice(-2) as [number, number];
  const [other, columns] = context.shapeOf(right).slice(-2) as [number, number];
  if (inner !== other) context.fail("format", `matrices of ${inner} columns and ${other} rows cannot be multiplied`);
  return context.add("MatMul", [left, right], { shape: [...context.shapeOf(left).slice(0, -2), rows, columns] });
}

function turned(context: LayerContext, index: number, transpose: boolean): OnnxValue {
  const input = context.input(index);
  const shape = context.shape(index);
  if (shape.length < 2) context.fail("format", "it wants matrices");
  if (!transpose) return input;
  const perm = shape.map((_, axis) => axis);
  perm.push(...perm.splice(-2).reverse());
  return context.add("Transpose", [input], {
    suffix: `turned${index}`,
    attributes: { perm },
    shape: perm.map((axis) => shape[axis]!),
  });
}

/** Places of the largest numbers, as floats: over an axis, or over all of each example. */
function argMax(context: LayerContext): OnnxValue | readonly OnnxValue[] {
  const text = context.parameters("argmax_param");
  const [count, withValues] = [text.integer("top_k", 1), text.flag("out_max_val", false)];
  const overAxis = text.has("axis");
  const batch = context.shape()[0] ?? 1;
  const whole = context.shape().reduce((product, size) => product * size, 1);
  const input = overAxis ? context.input() : context.reshaped(context.input(), [batch, 1, whole / batch], "flat");
  const shape = context.shapeOf(input);
  const axis = context.axis(overAxis ? text.integer("axis", 0) : 2, shape.length);
  if (count < 1 || count > shape[axis]!)
    context.fail("format", `top_k is ${count}, but there are ${shape[axis]} numbers`);
  const result = shape.map((size, place) => (place === axis ? count : size));
  if (count === 1 && !withValues) {
    const attributes = { axis, keepdims: 1 };
    const place = context.add("ArgMax", [input], { suffix: "place", type: "int64", attributes, shape: result });
    return context.cast(place, "float32");
  }
  const [values, places] = context.builder.addMany("TopK", [input, context.integers("count", [count])], {
    name: `${context.layer.name}/best`,
    attributes: { axis },
    outputs: [
      { type: "float32", shape: result },
      { type: "int64", shape: result },
    ],
  });
  if (!withValues) return context.cast(places!, "float32");
  if (overAxis) return values!;
  return context.add("Concat", [context.cast(places!, "float32", "places"), values!], {
    attributes: { axis: 1 },
    shape: [batch, 2, count],
  });
}

export const ARITHMETIC: LayerTable = {
  Eltwise: eltwise,
  Reduction: reduction,
  MatMul: matMul,
  ArgMax: argMax,
};
