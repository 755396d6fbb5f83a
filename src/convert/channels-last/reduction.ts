import type { ElementType } from "../../graph/tensor.ts";
import type { OnnxValue } from "../../onnx/model.ts";
import { type LayoutParts, TO_LAST } from "./layout.ts";

/** Over axes of the format; what is left keeps its order. `type` is one of ONNX's reductions. */
export function reduced(
  parts: LayoutParts,
  type: string,
  input: OnnxValue,
  stated: readonly number[],
  isKept: boolean,
): OnnxValue {
  const rank = parts.shapeOf(input).length;
  const view = parts.view([input]);
  const axes = [...new Set(stated.map((axis) => view.axis(parts.place(axis, rank))))].sort((a, b) => a - b);
  if (axes.length === 0) return input;
  const attributes = { keepdims: isKept ? 1 : 0 };
  const value =
    type === "ReduceSum"
      ? parts.add(type, [...view.values, parts.integers("axes", axes)], { attributes })
      : parts.add(type, view.values, { attributes: { ...attributes, axes } });
  if (view.isLast) return parts.first(value);
  if (isKept) return value;
  // Of the axes that are left, the channels' is first here and last there.
  const left = [0, 1, 2, 3].filter((axis) => !axes.includes(axis));
  const order = TO_LAST.filter((axis) => left.includes(axis));
  return parts.moved(
    value,
    order.map((axis) => left.indexOf(axis)),
    "order",
  );
}

/** The place of the largest or smallest along an axis (ArgMax, ArgMin), which is taken out. */
export function placeOfExtreme(
  parts: LayoutParts,
  type: string,
  input: OnnxValue,
  axis: number,
  wanted: ElementType,
): OnnxValue {
  const last = parts.last(input);
  const attributes = { axis: parts.place(axis, parts.shapeOf(last).length), keepdims: 0 };
  const found = parts.add(type, [last], { suffix: "place", type: "int64", attributes });
  return parts.first(wanted === "int64" ? found : parts.cast(found, wanted, "index"));
}

/** The `count` largest along the last axis and their places, as int32. */
export function largest(parts: LayoutParts, input: OnnxValue, count: number): readonly OnnxValue[] {
  const axis = parts.firstAxis(-1, parts.shapeOf(input).length);
  const shape = parts.shapeOf(input).with(axis, count);
  const [values, places] = parts.builder.addMany("TopK", [input, parts.integers("count", [count])], {
    name: parts.name,
    attributes: { axis },
    outputs: [
      { type: input.type?.type ?? "float32", shape },
      { type: "int64", shape },
    ],
  });
  return [values!, parts.cast(places!, "int32", "places")];
}

/** A product of matrices over the last two axes, either of them turned first. */
export function product(
  parts: LayoutParts,
  inputs: readonly [OnnxValue, OnnxValue],
  turned: readonly [boolean, boolean],
): OnnxValue {
  const sides = inputs.map((input, index) => {
    const last = parts.last(input, `last${index}`);
    if (!turned[index]) return last;
    const perm = Array.from({ length: parts.shapeOf(last).length }, (_, axis) => axis);
    perm.push(...perm.splice(-2).reverse());
    return parts.moved(last, perm, `turned${index}`);
  });
  return parts.first(parts.add("MatMul", sides));
}
