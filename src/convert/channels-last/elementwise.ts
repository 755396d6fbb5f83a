import type { OnnxValue } from "../../onnx/model.ts";
import type { PartOptions } from "../operator-parts.ts";
import { type LayoutParts, TO_FIRST, type View } from "./layout.ts";

/**
 * Operands with as many axes as broadcasting needs, and the order in which they are: the format aligns the last axes, of
 * which the last is the channels'.
 */
export function operands(parts: LayoutParts, values: readonly OnnxValue[]): View {
  const view = parts.view(values);
  return view.isLast ? view : { ...view, values: values.map((value, index) => widened(parts, value, index)) };
}

/** An operand of fewer axes beside one of four, with channels first. */
function widened(parts: LayoutParts, value: OnnxValue, index: number): OnnxValue {
  const shape = parts.shapeOf(value);
  if (shape.length >= 4 || shape.every((size) => size === 1)) return value;
  const full = [...new Array<number>(4 - shape.length).fill(1), ...shape];
  return parts.moved(parts.reshaped(value, full, `full${index}`), TO_FIRST, `operand${index}`);
}

/** An operator of ONNX that works element by element, with broadcasting. */
export function elementwise(
  parts: LayoutParts,
  type: string,
  values: readonly OnnxValue[],
  options: PartOptions = {},
): OnnxValue {
  const { values: aligned, result } = operands(parts, values);
  return result(parts.add(type, aligned, options), `${options.suffix ?? "result"}/first`);
}

/** Between two bounds. */
export function clipped(parts: LayoutParts, value: OnnxValue, low: number, high: number): OnnxValue {
  const { values, result } = parts.view([value]);
  return result(
    parts.add("Clip", [...values, parts.scalar("low", low), parts.scalar("high", high)], { suffix: "clip" }),
  );
}

/** An operator of ONNX that works along one axis of its input, and keeps its shape; `axis` is the format's. */
export function alongAxis(
  parts: LayoutParts,
  type: string,
  input: OnnxValue,
  axis: number,
  options: PartOptions = {},
): OnnxValue {
  const { values, axis: place, result } = parts.view([input]);
  const attributes = { ...options.attributes, axis: place(parts.place(axis, parts.shapeOf(input).length)) };
  return result(parts.add(type, values, { ...options, attributes }));
}
