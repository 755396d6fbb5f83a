import type { OnnxValue } from "../../onnx/model.ts";
import type { RaiseContext, Raised, RaiseTable } from "./raise-context.ts";
import { normalAxis } from "./shape-operators.ts";

const REDUCTIONS: Readonly<Record<string, string>> = {
  MEAN: "ReduceMean",
  SCALAR_PRODUCT: "ReduceProd",
  MAX: "ReduceMax",
  MIN: "ReduceMin",
  L2: "ReduceL2",
};

function raiseReduction(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  if (context.inputCount > 1) context.fail("unsupported", "it reduces with a mask");
  const input = context.input();
  const rank = context.shapeOf(input).length;
  const listed = parameters.counted("axes", "num_axes").map((axis) => normalAxis(axis, rank));
  const axes = listed.length > 0 ? listed : Array.from({ length: rank }, (_, axis) => axis);
  const mode = parameters.name("mode");
  const keep = parameters.number("keep_dim") !== 0;
  const reduced =
    mode === "STD_DEVIATION"
      ? deviation(context, input, axes, keep)
      : reduce(context, REDUCTIONS[mode] ?? "ReduceSum", input, axes, keep);
  const factor = parameters.number("coeff");
  return factor === 1 || factor === 0
    ? reduced
    : context.add("Mul", [reduced, context.scalar("factor", factor)], { suffix: "weighted" });
}

function reduce(
  context: RaiseContext,
  type: string,
  input: OnnxValue,
  axes: readonly number[],
  keep: boolean,
): OnnxValue {
  const keepdims = keep ? 1 : 0;
  return type === "ReduceSum"
    ? context.add(type, [input, context.integers("axes", axes)], { suffix: type, attributes: { keepdims } })
    : context.add(type, [input], { suffix: type, attributes: { axes, keepdims } });
}

function deviation(context: RaiseContext, input: OnnxValue, axes: readonly number[], keep: boolean): OnnxValue {
  const mean = reduce(context, "ReduceMean", input, axes, true);
  const centred = context.add("Sub", [input, mean], { suffix: "centred" });
  const squared = context.add("Mul", [centred, centred], { suffix: "squared" });
  return context.add("Sqrt", [reduce(context, "ReduceMean", squared, axes, keep)], { suffix: "root" });
}

/** Index of the largest element; the axis goes. */
function raiseArgMax(context: RaiseContext): OnnxValue {
  const input = context.input();
  const axis = normalAxis(context.parameters.number("axis"), context.shapeOf(input).length);
  const index = context.add("ArgMax", [input], { suffix: "argmax", attributes: { axis, keepdims: 0 } });
  return context.cast(index, "int32");
}

function raiseTopK(context: RaiseContext): Raised {
  const { parameters } = context;
  const input = context.input();
  const axis = normalAxis(parameters.number("axis"), context.shapeOf(input).length);
  const stated = parameters.number("k");
  const count = stated > 0 ? context.integers("k", [stated]) : context.cast(context.input(1), "int64", "k");
  const [values, indices] = context.builder.addMany("TopK", [input, count], {
    name: context.name,
    attributes: { axis, largest: parameters.number("largest"), sorted: parameters.number("sorted") },
    outputs: 2,
  });
  return [values!, context.cast(indices!, "int32")];
}

function raiseCumulative(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  const mode = parameters.has("mode") ? parameters.name("mode") : "SUM";
  if (mode !== "SUM") context.fail("unsupported", `the cumulative ${mode} cannot be run`);
  const input = context.input();
  const axis = normalAxis(parameters.number("axis"), context.shapeOf(input).length);
  return context.add("CumSum", [input, context.integers("axis", [axis], [])], {
    attributes: { exclusive: parameters.number("exclusive"), reverse: parameters.number("reverse") },
  });
}

export const REDUCTION_OPERATORS: RaiseTable = {
  Reduction: raiseReduction,
  ArgMax: raiseArgMax,
  TopK: raiseTopK,
  Cum: raiseCumulative,
};
