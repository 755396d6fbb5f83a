import type { OnnxValue } from "../../onnx/model.ts";
import type { AttributeInit } from "../../onnx/node-data.ts";
import { windowOf } from "./convolution.ts";
import type { RaiseContext, Raised, RaiseTable } from "./raise-context.ts";

function raisePooling(context: RaiseContext): Raised {
  const input = context.input();
  const shape = context.shapeOf(input);
  const maximum = context.parameters.name("mode") === "MAX";
  const { kernel, strides, padsBefore, padsAfter } = windowOf(context, shape.length);
  const pads = [...padsBefore, ...padsAfter];
  if (kernel.every((size) => size === 0) && pads.every((size) => size === 0)) {
    return context.add(maximum ? "GlobalMaxPool" : "GlobalAveragePool", [input]);
  }
  const spatial = context.staticShapeOf(input).slice(2);
  const window = kernel.map((size, axis) => (size === 0 ? spatial[axis]! : size));
  const rounding = context.parameters.name("round_mode");
  const attributes: Record<string, AttributeInit> = { kernel_shape: window, strides, ...paddingOf(rounding, pads) };
  const countsPadding = context.parameters.has("count_include_pad") && context.parameters.number("count_include_pad");
  if (!maximum && countsPadding) attributes["count_include_pad"] = 1;
  if (maximum && context.node.outputs.length > 1) return withPositions(context, input, attributes);
  return context.add(maximum ? "MaxPool" : "AveragePool", [input], { attributes });
}

/** Max pooling that also tells where each maximum was. */
function withPositions(
  context: RaiseContext,
  input: OnnxValue,
  attributes: Record<string, AttributeInit>,
): readonly OnnxValue[] {
  const [values, positions] = context.builder.addMany("MaxPool", [input], {
    name: context.name,
    attributes,
    outputs: 2,
  });
  return [values!, context.cast(positions!, "int32")];
}

function paddingOf(rounding: string, pads: readonly number[]): Record<string, AttributeInit> {
  if (rounding === "TF_SAME") return { auto_pad: "SAME_UPPER" };
  if (rounding === "TF_VALID") return { auto_pad: "VALID" };
  return { pads, ceil_mode: rounding === "CEIL" ? 1 : 0 };
}

function raiseUnpooling(context: RaiseContext): OnnxValue {
  const input = context.input();
  const { kernel, strides, padsBefore, padsAfter } = windowOf(context, context.shapeOf(input).length);
  const positions = context.cast(context.input(1), "int64");
  return context.add("MaxUnpool", [input, positions], {
    attributes: { kernel_shape: kernel, strides, pads: [...padsBefore, ...padsAfter] },
  });
}

export const POOLINGS: RaiseTable = { Pooling: raisePooling, UnPooling: raiseUnpooling };
