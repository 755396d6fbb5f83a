import { elementCount } from "../../../graph/tensor.ts";
import { intAttribute } from "../../../onnx/attributes.ts";
import { axisOf } from "../../../onnx/shape-rules/dimensions.ts";
import { integersOf } from "../../../onnx/tensor-data.ts";
import { formulaOf } from "./formula.ts";
import type { Rewrite, RewriteTable, Rewriting } from "./rewrite.ts";

/** Before this opset Hardmax takes all axes from one on for one. */
const ALONG_ONE_AXIS_SINCE = 13;

/** 1 at the first of the greatest, else 0. */
const hardmax: Rewrite = (rewriting) => {
  const { node, opset } = rewriting;
  const shape = rewriting.staticShapeOf(0);
  const { op, reshape, floats, integers } = formulaOf(rewriting);
  const alongOne = opset >= ALONG_ONE_AXIS_SINCE;
  const axis = axisOf(intAttribute(node, "axis", alongOne ? -1 : 1), shape.length);
  const rows = elementCount(shape.slice(0, axis));
  const input = alongOne ? node.input(0) : reshape(node.input(0), [rows, elementCount(shape) / rows]);
  const along = alongOne ? axis : 1;
  const size = alongOne ? shape[axis]! : elementCount(shape) / rows;
  const place = op("ArgMax", [input], { axis: along, keepdims: 0 });
  const chosen = op("OneHot", [place, integers([size], []), floats([2], [0, 1])], { axis: along });
  rewriting.become(alongOne ? chosen : reshape(chosen, shape));
};

/** Bolt takes the first of equals: the last is the first of the elements backwards. */
const lastPlace: Rewrite = (rewriting) => {
  const { node } = rewriting;
  if (intAttribute(node, "select_last_index", 0) === 0) return;
  const shape = rewriting.shapeOf(0);
  const axis = axisOf(intAttribute(node, "axis", 0), shape.length);
  const size = shape[axis];
  if (typeof size !== "number") return rewriting.fail("the size of its axis is unknown");
  const { op, integers } = formulaOf(rewriting);
  const backwards = integers(Array.from({ length: size }, (_, index) => size - 1 - index));
  const turned = op("Gather", [node.input(0), backwards], { axis });
  const place = op(node.type, [turned], { axis, keepdims: intAttribute(node, "keepdims", 1) });
  rewriting.become(op("Sub", [integers([size - 1], []), place]));
};

/** The elements on one side of a diagonal, the others zero. */
const triangle: Rewrite = async (rewriting) => {
  const { node } = rewriting;
  const offset = (await listOf(rewriting, 1, "diagonal"))?.[0] ?? 0;
  const isUpper = intAttribute(node, "upper", 1) !== 0;
  const [rows, columns] = rewriting.staticShapeOf(0).slice(-2) as [number, number];
  const isKept = (index: number) => {
    const distance = (index % columns) - Math.floor(index / columns) - offset;
    return (isUpper ? distance >= 0 : distance <= 0) ? 1 : 0;
  };
  const { op, constant } = formulaOf(rewriting);
  const kept = rewriting.filled("kept", [rows, columns], isKept, "bool");
  rewriting.become(op("Where", [kept, node.input(0), constant(rewriting.typeOf(0), [], [0])]));
};

/** The elements of an axis, or of all, that a list of truths keeps. */
const compress: Rewrite = async (rewriting) => {
  const { node } = rewriting;
  const truths = (await listOf(rewriting, 1, "condition")) ?? [];
  const places = truths.flatMap((truth, index) => (truth === 0 ? [] : [index]));
  if (places.length === 0) rewriting.fail("its result is empty");
  const { op, integers, reshape } = formulaOf(rewriting);
  const isFlat = !node.data.attributes.has("axis");
  const input = isFlat ? reshape(node.input(0), [-1]) : node.input(0);
  const axis = isFlat ? 0 : axisOf(intAttribute(node, "axis", 0), rewriting.shapeOf(0).length);
  rewriting.become(op("Gather", [input, integers(places)], { axis }));
};

/** The first steps of each sequence of a batch backwards. */
const reverseSequence: Rewrite = async (rewriting) => {
  const { node } = rewriting;
  const lengths = (await listOf(rewriting, 1, "list of lengths")) ?? [];
  const shape = rewriting.staticShapeOf(0);
  const [first, second] = shape as [number, number];
  const timeAxis = intAttribute(node, "time_axis", 0);
  const places = Array.from({ length: first * second }, (_, place) => {
    const [row, column] = [Math.floor(place / second), place % second];
    const [time, sequence] = timeAxis === 0 ? [row, column] : [column, row];
    const source = time < lengths[sequence]! ? lengths[sequence]! - 1 - time : time;
    return timeAxis === 0 ? source * second + sequence : sequence * second + source;
  });
  const { op, integers, reshape } = formulaOf(rewriting);
  const steps = reshape(node.input(0), [first * second, ...shape.slice(2)]);
  rewriting.become(reshape(op("Gather", [steps, integers(places)], { axis: 0 }), shape));
};

/** The numbers of an input that must be constant; undefined where it is left out. */
async function listOf(rewriting: Rewriting, place: number, what: string): Promise<readonly number[] | undefined> {
  const input = rewriting.node.inputs[place];
  if (input === undefined) return undefined;
  if (input.constant === undefined) return rewriting.fail(`its ${what} is computed while the network runs`);
  return integersOf(input.constant);
}

/** Elements chosen by size or place. */
export const CHOICE_EXPANSIONS: RewriteTable = {
  Hardmax: hardmax,
  ArgMax: lastPlace,
  ArgMin: lastPlace,
  Trilu: triangle,
  Compress: compress,
  ReverseSequence: reverseSequence,
};
