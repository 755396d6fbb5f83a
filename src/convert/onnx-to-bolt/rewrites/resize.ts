import { floatAttribute, floatsAttribute, intAttribute, textAttribute } from "../../../onnx/attributes.ts";
import { numbersOf } from "../../../onnx/tensor-data.ts";
import type { Rewrite, RewriteTable, Rewriting } from "./rewrite.ts";

/** Bolt's cubic interpolation is that of this coefficient. */
const CUBIC_COEFFICIENT = -0.75;

/** How far a scaled size may be from a whole number by rounding alone. */
const WHOLE = 1e-3;

/** Scales by attribute (Upsample before opset 9), or as an input; none where sizes are given. */
async function scalesOf({ node }: Rewriting): Promise<ArrayLike<number>> {
  const constant = node.inputs[node.type === "Upsample" || node.inputs.length === 2 ? 1 : 2]?.constant;
  return floatsAttribute(node, "scales") ?? (constant === undefined ? [] : numbersOf(constant));
}

/** The first Resize took places as the second does in this mode: the pixel before, or on smaller maps the one behind. */
function settleModes(rewriting: Rewriting, scales: readonly number[]): void {
  const { node, opset } = rewriting;
  if (node.type !== "Resize" || opset >= 11) return;
  const [shrinks, grows] = [scales.some((scale) => scale < 1), scales.some((scale) => scale > 1)];
  if (shrinks && grows)
    rewriting.fail("it makes one axis smaller and another larger", "Export the model with opset 11 or later");
  rewriting.setAttribute("coordinate_transformation_mode", "asymmetric");
  rewriting.setAttribute("nearest_mode", shrinks ? "ceil" : "floor");
}

const ROUNDINGS: Readonly<Record<string, (place: number) => number>> = {
  floor: Math.floor,
  ceil: Math.ceil,
  round_prefer_floor: (place) => Math.ceil(place - 0.5),
  round_prefer_ceil: (place) => Math.floor(place + 0.5),
};

/** Whether `count` nearest pixels are the same ones by either scale. */
function areSamePixels({ node }: Rewriting, count: number, scale: number, ratio: number): boolean {
  const isUpsample = node.type === "Upsample";
  const round = ROUNDINGS[isUpsample ? "floor" : textAttribute(node, "nearest_mode", "round_prefer_floor")];
  const mode = isUpsample ? "asymmetric" : textAttribute(node, "coordinate_transformation_mode", "half_pixel");
  if (round === undefined || textAttribute(node, "mode", "nearest") !== "nearest") return false;
  if (mode !== "asymmetric" && mode !== "half_pixel") return false;
  const shift = mode === "asymmetric" ? 0 : 0.5;
  const pixel = (place: number, by: number) => round((place + shift) / by - shift);
  return Array.from({ length: count }, (_, place) => pixel(place, scale) === pixel(place, ratio)).every(Boolean);
}

/** Bolt knows no more than the sizes: it takes a place by their ratio, which is the scale only where that gives whole sizes. */
const resize: Rewrite = async (rewriting) => {
  const { node } = rewriting;
  const isOther =
    intAttribute(node, "exclude_outside", 0) !== 0 ||
    intAttribute(node, "antialias", 0) !== 0 ||
    floatAttribute(node, "cubic_coeff_a", CUBIC_COEFFICIENT) !== CUBIC_COEFFICIENT ||
    node.data.attributes.has("axes");
  if (isOther)
    rewriting.fail("Bolt has no such way of resizing", "Export the model with the usual coefficients, for all axes");
  const scales = Array.from(await scalesOf(rewriting));
  settleModes(rewriting, scales);
  rewriting.shapeOf(0).forEach((size, axis) => {
    const scale = scales[axis];
    if (typeof size !== "number" || scale === undefined) return;
    const result = Math.floor(size * scale + WHOLE);
    if (size * scale - result <= WHOLE || areSamePixels(rewriting, result, scale, result / size)) return;
    rewriting.fail(
      `its scale ${scale} makes no whole size of ${size}`,
      "Export the model with sizes instead of scales",
    );
  });
};

/** Resampling of maps. */
export const RESIZE_REWRITES: RewriteTable = { Resize: resize, Upsample: resize };
