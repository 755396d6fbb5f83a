import { elementCount } from "../../graph/tensor.ts";
import type { OnnxValue } from "../../onnx/model.ts";
import type { LayoutParts } from "./layout.ts";

/** In another shape, of which one size may be -1: that takes what is left. The order of the numbers is the format's. */
export function inShape(parts: LayoutParts, input: OnnxValue, target: readonly number[]): OnnxValue {
  const last = parts.last(input);
  const count = elementCount(parts.shapeOf(last));
  const rest = count / elementCount(target.filter((size) => size !== -1));
  const shape = target.map((size) => (size === -1 ? rest : size));
  if (shape.some((size) => size < 0 || !Number.isInteger(size)))
    parts.fail("format", `${count} numbers cannot become ${target.join(" x ")}`);
  return parts.first(parts.reshaped(last, shape));
}

/** Axes of the format in another order. */
export function transposed(parts: LayoutParts, input: OnnxValue, perm: readonly number[]): OnnxValue {
  const rank = parts.shapeOf(input).length;
  if (perm.length !== rank || new Set(perm).size !== rank || perm.some((axis) => axis < 0 || axis >= rank))
    parts.fail("format", `[${perm.join(", ")}] is no order of ${rank} axes`);
  const view = parts.view([input]);
  const order = view.arranged(perm).map(view.axis);
  return view.result(parts.moved(view.values[0]!, order, "transposed"));
}

/** Several values, one after the other along an axis of the format. */
export function joined(parts: LayoutParts, inputs: readonly OnnxValue[], stated: number): OnnxValue {
  if (inputs.length === 0) parts.fail("format", "it joins nothing");
  const rank = parts.shapeOf(inputs[0]!).length;
  const other = inputs.find((input) => parts.shapeOf(input).length !== rank);
  if (other !== undefined) parts.fail("format", `it joins ${rank} axes and ${parts.shapeOf(other).length}`);
  const view = parts.view(inputs);
  return view.result(parts.add("Concat", view.values, { attributes: { axis: view.axis(parts.place(stated, rank)) } }));
}

/** Several values of one shape, one after the other along a new axis. */
export function packed(parts: LayoutParts, inputs: readonly OnnxValue[], stated: number): OnnxValue {
  if (inputs.length === 0) parts.fail("format", "it joins nothing");
  const shape = parts.lastShapeOf(inputs[0]!);
  const axis = parts.place(stated, shape.length + 1);
  const slots = inputs.map((input, index) =>
    parts.reshaped(parts.last(input, `last${index}`), shape.toSpliced(axis, 0, 1), `part${index}`),
  );
  return parts.first(parts.add("Concat", slots, { attributes: { axis } }));
}

/** `stated` has for each axis of the format what is added before and behind. `value` fills it; default 0. */
export function padded(
  parts: LayoutParts,
  input: OnnxValue,
  stated: readonly number[],
  { mode = "constant", value }: { readonly mode?: string; readonly value?: OnnxValue | undefined } = {},
): OnnxValue {
  const rank = parts.shapeOf(input).length;
  if (stated.length !== 2 * rank) parts.fail("format", `${stated.length} sizes do not pad ${rank} axes`);
  const view = parts.view([input]);
  const sides = [0, 1].flatMap((side) =>
    view.arranged(Array.from({ length: rank }, (_, axis) => stated[2 * axis + side]!)),
  );
  const filling = value === undefined ? [] : [value];
  const attributes = mode === "constant" ? {} : { mode };
  return view.result(parts.add("Pad", [...view.values, parts.integers("pads", sides), ...filling], { attributes }));
}

/** Repeated along each axis of the format. */
export function tiled(parts: LayoutParts, input: OnnxValue, repeats: readonly number[]): OnnxValue {
  if (repeats.length !== parts.shapeOf(input).length)
    parts.fail("format", `${repeats.length} repeats do not fit its input`);
  const view = parts.view([input]);
  return view.result(parts.add("Tile", [...view.values, parts.integers("repeats", view.arranged(repeats))]));
}

/** What stands at places along an axis of the format. */
export function gathered(parts: LayoutParts, input: OnnxValue, places: OnnxValue, stated: number): OnnxValue {
  const last = parts.last(input);
  const axis = parts.place(stated, parts.shapeOf(last).length);
  return parts.first(parts.add("Gather", [last, parts.last(places, "indices")], { attributes: { axis } }));
}

/** What stands at places that are named by all of their first axes. */
export function gatheredNd(parts: LayoutParts, input: OnnxValue, places: OnnxValue): OnnxValue {
  const indices = parts.cast(parts.last(places, "indices"), "int64", "wide");
  return parts.first(parts.add("GatherND", [parts.last(input), indices]));
}

/** Of what a map is made larger or smaller. */
export interface Resizing {
  readonly mode: "nearest" | "linear" | "cubic";
  /** The corners of the map stay the corners. */
  readonly corners: boolean;
  /** A place is the middle of its square, not a corner. */
  readonly centres: boolean;
}

/** A map (channels first) in other sizes, by TensorFlow's rules of where the places lie. */
export function resized(
  parts: LayoutParts,
  input: OnnxValue,
  [height, width]: readonly number[],
  { mode, corners, centres }: Resizing,
): OnnxValue {
  const shape = parts.shapeOf(input);
  if (shape.length !== 4 || height === undefined || width === undefined)
    parts.fail("format", "it wants a map of four dimensions, and two sizes");
  const sizes = [...shape.slice(0, 2), height, width];
  return parts.add("Resize", [input, undefined, undefined, parts.integers("sizes", sizes)], {
    shape: sizes,
    attributes: {
      mode,
      coordinate_transformation_mode: corners ? "align_corners" : centres ? "half_pixel" : "asymmetric",
      nearest_mode: corners || centres ? "round_prefer_ceil" : "floor",
      ...(mode === "cubic" && centres ? { cubic_coeff_a: { float: -0.5 }, exclude_outside: 1 } : {}),
    },
  });
}

/** DepthToSpace or SpaceToDepth of a map (channels first). */
export function inBlocks(parts: LayoutParts, type: string, input: OnnxValue, blocksize: number): OnnxValue {
  if (blocksize < 1) parts.fail("format", `a block of ${blocksize} is not possible`);
  return parts.add(type, [input], { attributes: { blocksize } });
}

/** Stretched to a shape of the format. */
export function broadcast(parts: LayoutParts, input: OnnxValue, shape: readonly number[]): OnnxValue {
  if (parts.lastShapeOf(input).join() === shape.join()) return input;
  const last = parts.last(input);
  return parts.first(parts.add("Expand", [last, parts.integers("target", shape)], { shape }));
}
