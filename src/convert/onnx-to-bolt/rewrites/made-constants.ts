import type { ElementType } from "../../../graph/tensor.ts";
import { elementCount } from "../../../graph/tensor.ts";
import { intAttribute } from "../../../onnx/attributes.ts";
import type { OnnxValue } from "../../../onnx/model.ts";
import { ELEMENT_TYPES } from "../../../onnx/schema.ts";
import { isStatic } from "../../../onnx/shape-rules/dimensions.ts";
import { shapeSpan } from "../../../onnx/shape-rules/layout.ts";
import { integerTensor, numbersOf } from "../../../onnx/tensor-data.ts";
import { formulaOf, type Operand } from "./formula.ts";
import type { Rewrite, RewriteTable, Rewriting } from "./rewrite.ts";

function typeAttribute(rewriting: Rewriting, name: string, absent: ElementType): ElementType {
  return ELEMENT_TYPES[intAttribute(rewriting.node, name, ELEMENT_TYPES.indexOf(absent))] ?? absent;
}

/** Ones on a diagonal. */
const eyeLike: Rewrite = (rewriting) => {
  const [rows, columns] = rewriting.staticShapeOf(0) as [number, number];
  const shift = intAttribute(rewriting.node, "k", 0);
  const isOnDiagonal = (index: number) => ((index % columns) - Math.floor(index / columns) === shift ? 1 : 0);
  const type = typeAttribute(rewriting, "dtype", rewriting.typeOf(0));
  rewriting.become(rewriting.filled("diagonal", [rows, columns], isOnDiagonal, type));
};

/** Bolt tells all sizes; some of them are cut out. */
const shape: Rewrite = (rewriting) => {
  const { node } = rewriting;
  if (!node.data.attributes.has("start") && !node.data.attributes.has("end")) return;
  const sizes = rewriting.shapeOf(0);
  const [first, last] = shapeSpan(node, sizes.length);
  const part = sizes.slice(first, last);
  if (isStatic(part)) return rewriting.become(rewriting.constant("sizes", integerTensor([part.length], part)));
  const { op, integers } = formulaOf(rewriting);
  rewriting.become(op("Slice", [op("Shape", [node.input(0)]), integers([first]), integers([last]), integers([0])]));
};

const size: Rewrite = (rewriting) => {
  const count = elementCount(rewriting.staticShapeOf(0));
  rewriting.become(rewriting.constant("count", integerTensor([], [count])));
};

/** Sums of cosines of once, twice … around in the window, with these factors. */
const window =
  (factors: readonly number[]): Rewrite =>
  (rewriting) => {
    const { node } = rewriting;
    const { op, cast, constant } = formulaOf(rewriting);
    const length = node.input(0);
    const type = rewriting.typeOf(0);
    const places = cast(op("Range", [constant(type, [], [0]), length, constant(type, [], [1])]), "float32");
    const steps = op("Sub", [cast(length, "float32"), intAttribute(node, "periodic", 1) === 0 ? 1 : 0]);
    const turn = op("Div", [places, steps]);
    const terms = factors.map(
      (factor, index): Operand =>
        index === 0 ? factor : op("Mul", [op("Cos", [op("Mul", [turn, 2 * Math.PI * index])]), factor]),
    );
    const sum = terms.slice(1).reduce((left, right) => op("Add", [right, left]), terms[0]);
    rewriting.become(op("Cast", [sum], { to: intAttribute(node, "output_datatype", 1) }));
  };

/** Bolt's numbers are drawn as float32. */
const random: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const type = typeAttribute(rewriting, "dtype", node.inputs.length > 0 ? rewriting.typeOf(0) : "float32");
  if (!type.includes("float")) rewriting.fail("Bolt draws float numbers alone");
  rewriting.setAttribute("dtype", ELEMENT_TYPES.indexOf("float32"));
};

/** 1 with the probability that the input states. */
const bernoulli: Rewrite = (rewriting) => {
  const { node } = rewriting;
  const { op, cast } = formulaOf(rewriting);
  const type = typeAttribute(rewriting, "dtype", rewriting.typeOf(0));
  const seed = node.data.attributes.get("seed");
  const draw = op("RandomUniformLike", [node.input(0)], {
    dtype: ELEMENT_TYPES.indexOf("float32"),
    seed: seed?.kind === "float" ? { float: seed.value } : undefined,
  });
  rewriting.become(cast(op("Less", [draw, cast(node.input(0), "float32")]), type));
};

/** What is handed on is the input; without training, all of it: the mask says so. */
const dropout: Rewrite = async (rewriting) => {
  const { node } = rewriting;
  const [ratio, training] = [node.inputs[1], node.inputs[2]];
  const trains = training !== undefined && !(await isNumber(training, 0));
  if (trains && !(await isNumber(ratio, 0))) rewriting.fail("Bolt does not train", "Export the model for inference");
  if (!rewriting.isUsed(node.outputs[1])) return rewriting.become(node.input(0));
  rewriting.become(
    node.input(0),
    rewriting.filled("mask", rewriting.staticShapeOf(0), () => 1, "bool"),
  );
};

/** Whether an input is this constant number. */
async function isNumber(input: OnnxValue | undefined, number: number): Promise<boolean> {
  return input?.constant !== undefined && (await numbersOf(input.constant))[0] === number;
}

/** What follows from sizes alone, or is drawn. */
export const MADE_EXPANSIONS: RewriteTable = {
  EyeLike: eyeLike,
  Shape: shape,
  Size: size,
  HannWindow: window([0.5, -0.5]),
  HammingWindow: window([25 / 46, -21 / 46]),
  BlackmanWindow: window([0.42, -0.5, 0.08]),
  RandomNormal: random,
  RandomNormalLike: random,
  RandomUniform: random,
  RandomUniformLike: random,
  Bernoulli: bernoulli,
  Dropout: dropout,
};
