import { weightCount } from "../../bolt/weight-values.ts";
import type { OnnxValue } from "../../onnx/model.ts";
import type { RaiseContext, RaiseTable } from "./raise-context.ts";
import { normalAxis, reshaped, transposed } from "./shape-operators.ts";
import { vectorValues, weightTensor } from "./weights.ts";

/** What old files, which do not state it, are computed with. */
const DEFAULT_EPSILON = 1e-6;

/** Normalization along one axis, times gamma plus beta where the file has them. */
async function raiseLayerNorm(context: RaiseContext): Promise<OnnxValue> {
  const { parameters } = context;
  const input = context.input();
  const rank = context.shapeOf(input).length;
  const axis = normalAxis(parameters.has("axis") ? parameters.number("axis") : -1, rank);
  const epsilon = (parameters.has("eps") ? parameters.number("eps") : 0) || DEFAULT_EPSILON;
  if (axis === rank - 1) return await normalized(context, input, epsilon);
  const exchanged = Array.from({ length: rank }, (_, place) => place);
  exchanged[axis] = rank - 1;
  exchanged[rank - 1] = axis;
  const inside = await normalized(context, transposed(context, input, exchanged, "axisLast"), epsilon);
  return transposed(context, inside, exchanged, "axisBack");
}

async function normalized(context: RaiseContext, input: OnnxValue, epsilon: number): Promise<OnnxValue> {
  const shape = context.shapeOf(input);
  const size = shape[shape.length - 1];
  const length = typeof size === "number" ? size : context.fail("unsupported", "the size it normalizes is unknown");
  const { record } = context;
  const gamma =
    record === undefined || weightCount(record) === 0
      ? context.floats("gamma", new Float32Array(length).fill(1))
      : context.builder.constant(`${context.name}/gamma`, weightTensor(record, [length]));
  const beta = await vectorValues(record, length);
  return context.add(
    "LayerNormalization",
    [input, gamma, ...(beta === undefined ? [] : [context.floats("beta", beta)])],
    {
      suffix: "layerNorm",
      attributes: { axis: -1, epsilon: { float: epsilon } },
    },
  );
}

/** Per channel, or, where `axis_dim` is another number than the channels, per group of them. */
async function raiseInstanceNorm(context: RaiseContext): Promise<OnnxValue> {
  const { parameters } = context;
  const input = context.input();
  const shape = context.staticShapeOf(input);
  if (normalAxis(parameters.number("axis"), shape.length) !== 1)
    context.fail("unsupported", "it does not normalize channels");
  const stated = parameters.number("axis_dim");
  const groups = stated > 0 ? stated : shape[1]!;
  const scale = context.builder.constant(`${context.name}/scale`, weightTensor(context.weight, [groups]));
  const bias = (await vectorValues(context.record, groups)) ?? new Float32Array(groups);
  const grouped = groups === shape[1] ? input : reshaped(context, input, [shape[0]!, groups, -1], "grouped");
  const result = context.add("InstanceNormalization", [grouped, scale, context.floats("bias", bias)], {
    suffix: "instanceNorm",
    attributes: { epsilon: { float: parameters.number("eps") } },
  });
  return grouped === input ? result : reshaped(context, result, shape);
}

/** x / sqrt(Σ x²) along the innermost axis; along the channels of a 4-D tensor of 1 × 1 maps. */
function raiseL2Norm(context: RaiseContext): OnnxValue {
  const input = context.input();
  const shape = context.shapeOf(input);
  const axis = shape.length === 4 && shape[2] === 1 && shape[3] === 1 ? 1 : shape.length - 1;
  return context.add("LpNormalization", [input], { attributes: { axis, p: 2 } });
}

function raiseSoftmax(type: "Softmax" | "LogSoftmax") {
  return (context: RaiseContext): OnnxValue => {
    const input = context.input();
    const axis = normalAxis(context.parameters.number("axis"), context.shapeOf(input).length);
    return context.add(type, [input], { attributes: { axis } });
  };
}

export const NORMALIZATIONS: RaiseTable = {
  LayerNorm: raiseLayerNorm,
  InstanceNorm: raiseInstanceNorm,
  L2Norm: raiseL2Norm,
  Softmax: raiseSoftmax("Softmax"),
  SoftmaxWithLoss: raiseSoftmax("Softmax"),
  LogSoftmax: raiseSoftmax("LogSoftmax"),
};
