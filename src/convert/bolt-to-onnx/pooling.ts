import type { OnnxValue } from "../../onnx/model.ts";
import type { AttributeInit } from "../../onnx/node-data.ts";
import { windowOf } from "./convolution.ts";
import type { Shape } from "./graph-builder.ts";
import type { RaiseContext, Raised, RaiseTable } from "./raise-context.ts";

function raisePooling(context: RaiseContext): Raised {
  const input = context.input();
  const shape = context.shapeOf(input);
  const maximum = context.parameters.name("mode") === "MAX";
  const { kernel, strides, padsBefore, padsAfter } = windowOf(context, shape.length);
  const pads = [...padsBefore, ...padsAfter];
  if (kernel.every((size) => size === 0) && pads.every((size) => size === 0)) {
    return context.add(maximum ? "GlobalMaxPool" : "GlobalAveragePool", [input], {
      shape: [shape[0], shape[1], ...kernel.map(() => 1)],
    });
  }
  const spatial = context.staticShapeOf(input).slice(2);
  const window = kernel.map((size, axis) => (size === 0 ? spatial[axis]! : size));
  const rounding = context.parameters.name("round_mode");
  const sizes = spatial.map((size, axis) =>
    pooledSize(rounding, size, window[axis]!, strides[axis]!, padsBefore[axis]! + padsAfter[axis]!),
  );
  const attributes: Record<string, AttributeInit> = { kernel_shape: window, strides, ...paddingOf(rounding, pads) };
  const countsPadding = context.parameters.has("count_include_pad") && context.parameters.number("count_include_pad");
  if (!maximum && countsPadding) attributes["count_include_pad"] = 1;
  const output = [shape[0], shape[1], ...sizes];
  if (maximum && context.node.outputs.length > 1) return withPositions(context, input, attributes, output);
  return context.add(maximum ? "MaxPool" : "AveragePool", [input], { attributes, shape: output });
}

/** Max pooling that also tells where each maximum was. */
function withPositions(
  context: RaiseContext,
  input: OnnxValue,
  attributes: Record<string, AttributeInit>,
  shape: Shape,
): readonly OnnxValue[] {
  const [values, positions] = context.builder.addMany("MaxPool", [input], {
    name: context.name,
    attributes,
    outputs: [
      { type: "float32", shape },
      { type: "int64", shape },
    ],
  });
  return [values!, context.cast(positions!, "int32")];
}

function pooledSize(rounding: string, size: number, kernel: number, stride: number, padding: number): number {
  if (rounding === "TF_SAME") return Math.ceil(size / stride);
  if (rounding === "TF_VALID") return Math.ceil((size - kernel + 1) / stride);
  const steps = (size + padding - kernel) / stride;
  return (rounding === "CEIL" ? Math.ceil(steps) : Math.floor(steps)) + 1;
}

function paddingOf(rounding: string, pads: readonly number[]): Record<string, AttributeInit> {
  if (rounding === "TF_SAME") return { auto_pad: "SAME_UPPER" };
  if (rounding === "TF_VALID") return { auto_pad: "VALID" };
  return { pads, ceil_mode: rounding === "CEIL" ? 1 : 0 };
}

function raiseUnpooling(context: RaiseContext): OnnxValue {
  const input = context.input();
  const shape = context.staticShapeOf(input);
  const { kernel, strides, padsBefore, padsAfter } = windowOf(context, shape.length);
  const spatial = shape
    .slice(2)
    .map((size, axis) => (size - 1) * strides[axis]! + kernel[axis]! - padsBefore[axis]! - padsAfter[axis]!);
  const positions = context.cast(context.input(1), "int64");
  return context.add("MaxUnpool", [input, positions], {
    attributes: { kernel_shape: kernel, strides, pads: [...padsBefore, ...padsAfter] },
    shape: [...shape.slice(0, 2), ...spatial],
  });
}

export const POOLINGS: RaiseTable = { Pooling: raisePooling, UnPooling: raiseUnpooling };
