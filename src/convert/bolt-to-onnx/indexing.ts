import { BOLT_DATA_TYPES } from "../../bolt/data-type.ts";
import { weightCount } from "../../bolt/weight-values.ts";
import type { OnnxValue } from "../../onnx/model.ts";
import { tensorOf } from "../../onnx/tensor-data.ts";
import type { RaiseContext, RaiseTable } from "./raise-context.ts";
import { normalAxis, transposed } from "./shape-operators.ts";
import { ELEMENT_TYPES } from "./tensor-types.ts";
import { weightTensor } from "./weights.ts";

/** The axis that marks the ND variants of Gather and Scatter. */
const ALL_AXES = 2 ** 31 - 1;

/** What stands in a field whose value is computed while the model runs (UNI_RESERVE). */
const COMPUTED = 9035;

function raiseGather(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  const data = context.input(0);
  const indices = context.input(1);
  const axis = parameters.number("axis");
  if (axis === ALL_AXES) {
    const attributes = { batch_dims: parameters.number("batch_dims") };
    return context.add("GatherND", [data, context.cast(indices, "int64")], { attributes });
  }
  const type = parameters.number("element_level") === 0 ? "Gather" : "GatherElements";
  return context.add(type, [data, context.cast(indices, "int32")], {
    attributes: { axis: normalAxis(axis, context.shapeOf(data).length) },
  });
}

function raiseScatter(context: RaiseContext): OnnxValue {
  const [data, indices, updates] = [context.input(0), context.input(1), context.input(2)];
  const axis = context.parameters.number("axis");
  const positions = context.cast(indices, "int64");
  if (axis === ALL_AXES) return context.add("ScatterND", [data, positions, updates]);
  return context.add("ScatterElements", [data, positions, updates], {
    attributes: { axis: normalAxis(axis, context.shapeOf(data).length) },
  });
}

/** Rows of a table, words × features (or turned). */
function raiseEmbedding(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  const [words, features] = [parameters.number("num_inputs"), parameters.number("num_outputs")];
  const turned = parameters.number("transpose") !== 0;
  const stored = turned ? [features, words] : [words, features];
  const table =
    context.record !== undefined && weightCount(context.record) > 0
      ? context.builder.constant(`${context.name}/table`, weightTensor(context.record, stored))
      : context.input(1);
  const rows = turned ? transposed(context, table, [1, 0], "rows") : table;
  const indices = context.cast(context.input(), "int32");
  return context.add("Gather", [rows, indices], { attributes: { axis: 0 } });
}

function raiseOneHot(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  const indices = context.cast(context.input(), "int64");
  const depth = parameters.number("depth");
  const axis = normalAxis(parameters.number("axis"), context.shapeOf(indices).length + 1);
  return context.add(
    "OneHot",
    [indices, context.integers("depth", [depth], []), context.floats("values", parameters.list("values"))],
    { attributes: { axis } },
  );
}

function raiseNonZero(context: RaiseContext): OnnxValue {
  return context.cast(context.add("NonZero", [context.input()], { suffix: "positions" }), "int32");
}

function raiseNonMaxSuppression(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  const chosen = context.add(
    "NonMaxSuppression",
    [
      context.input(0),
      context.input(1),
      context.integers("most", [parameters.number("max_output_boxes_per_class")]),
      context.floats("overlap", [parameters.number("iou_threshold")]),
      context.floats("score", [parameters.number("score_threshold")]),
    ],
    { suffix: "chosen", attributes: { center_point_box: parameters.number("center_point_box") } },
  );
  return context.cast(chosen, "int32");
}

/** Bounds are parameters, or, where these are marked so, inputs in order. */
function raiseRange(context: RaiseContext): OnnxValue {
  const { parameters } = context;
  const type = ELEMENT_TYPES[BOLT_DATA_TYPES[parameters.number("dt")] ?? "I32"] === "float32" ? "float32" : "int32";
  const names = ["start", "limit", "delta"] as const;
  const stated = names.map((name) => parameters.number(name));
  let next = 0;
  const bounds = names.map((name, index) => {
    if (stated[index] === COMPUTED && next < context.inputCount) return context.cast(context.input(next++), type, name);
    const array = type === "float32" ? Float32Array.of(stated[index]!) : Int32Array.of(stated[index]!);
    return context.builder.constant(`${context.name}/${name}`, tensorOf(type, [], array));
  });
  const [start, limit, delta] = stated as [number, number, number];
  const length = next === 0 ? Math.max(0, Math.ceil((limit - start) / delta)) : undefined;
  return context.add("Range", bounds, { shape: [length] });
}

export const INDEXING_OPERATORS: RaiseTable = {
  Gather: raiseGather,
  Scatter: raiseScatter,
  Embedding: raiseEmbedding,
  OneHot: raiseOneHot,
  NonZero: raiseNonZero,
  NonMaxSuppression: raiseNonMaxSuppression,
  Range: raiseRange,
};
