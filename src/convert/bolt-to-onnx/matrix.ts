import type { ParameterName } from "../../bolt/parameter-layouts.ts";
import { weightCount } from "../../bolt/weight-values.ts";
import type { Dimension } from "../../graph/tensor.ts";
import type { OnnxValue } from "../../onnx/model.ts";
import { activate } from "./activations.ts";
import type { RaiseContext, RaiseTable } from "./raise-context.ts";
import { reshaped, sliced, transposed } from "./shape-operators.ts";
import { vectorValues, weightTensor } from "./weights.ts";

/** A fully connected layer: what its sizes are and how its input folds into rows. */
export interface FullyConnected {
  readonly outputs: number;
  /** Length of a row: elements of a weight's row. */
  readonly depth: number;
  /** Dimensions of the input that stay. */
  readonly outer: readonly Dimension[];
}

/**
 * The sizes of a fully connected operator. Its weight is outputs × depth; the innermost dimensions of the input whose
 * product is `depth` are one row. Throws `unsupported` when no such dimensions exist.
 */
export function fullyConnectedOf(context: RaiseContext, input: OnnxValue): FullyConnected {
  if (context.inputCount > 1) context.fail("unsupported", "its weight is another operator's output");
  if (context.node.outputs.length > 1) context.fail("unsupported", "it has several outputs");
  const outputs = context.parameters.number("num_outputs");
  const depth = Math.floor(weightCount(context.weight) / outputs);
  const shape = context.shapeOf(input);
  let product = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis];
    if (typeof size !== "number") break;
    product *= size;
    if (product === depth) return { outputs, depth, outer: shape.slice(0, axis) };
  }
  return context.fail("unsupported", `the sizes of its input (${shape.join("x")}) do not make rows of ${depth}`);
}

/** The input as rows × depth. */
export function asRows(context: RaiseContext, input: OnnxValue, { depth, outer }: FullyConnected): OnnxValue {
  const isMatrix = outer.length === 1 && context.shapeOf(input).length === 2;
  return isMatrix ? input : reshaped(context, input, [-1, depth], "rows");
}

/** Rows × outputs with the input's outer dimensions again. */
export function fromRows(context: RaiseContext, rows: OnnxValue, { outputs, outer }: FullyConnected): OnnxValue {
  if (outer.length === 1) return rows;
  const target = outer.map((size) => (typeof size === "number" ? size : -1));
  return reshaped(context, rows, [...target, outputs], "unfolded");
}

async function raiseFullyConnected(context: RaiseContext): Promise<OnnxValue> {
  const input = context.input();
  const layer = fullyConnectedOf(context, input);
  const weight = context.builder.constant(
    `${context.name}/weight`,
    weightTensor(context.weight, [layer.outputs, layer.depth]),
  );
  const bias = await vectorValues(context.record, layer.outputs);
  const rows = asRows(context, input, layer);
  const result = context.add("Gemm", [rows, weight, ...(bias === undefined ? [] : [context.floats("bias", bias)])], {
    suffix: "gemm",
    attributes: { transB: 1 },
  });
  return fromRows(context, result, layer);
}

/** Both factors, with their last two axes exchanged where the operator says so. */
export function factorsOf(context: RaiseContext, values: readonly OnnxValue[]): readonly OnnxValue[] {
  return (["transpose_a", "transpose_b"] as const).map((field, index) => {
    const value = values[index]!;
    if (context.parameters.number(field) === 0) return value;
    const axes = context.shapeOf(value).map((_, axis) => axis);
    const last = axes.length - 1;
    return transposed(context, value, [...axes.slice(0, -2), last, last - 1], field);
  });
}

function raiseMatMul(context: RaiseContext): OnnxValue {
  const product = context.add("MatMul", factorsOf(context, context.inputs()), { suffix: "product" });
  return context.inputCount > 2 ? context.add("Add", [product, context.input(2)], { suffix: "added" }) : product;
}

/** The equation's terms are stored backwards, as Bolt's dimensions are. */
function raiseEinsum(context: RaiseContext): OnnxValue {
  const term = (name: ParameterName) => [...context.parameters.text(name)].reverse().join("");
  const [left, right, output] = [term("equation_l"), term("equation_r"), term("equation_o")];
  const inputs = context.inputs();
  const equation = `${inputs.length > 1 ? `${left},${right}` : left}${output === "" ? "" : `->${output}`}`;
  return context.add("Einsum", inputs, { attributes: { equation } });
}

/** Frames of a 1 × time × features tensor beside each other, shifted by the context. */
function spliced(context: RaiseContext, input: OnnxValue, offsets: readonly number[]): OnnxValue {
  const frames = context.staticShapeOf(input)[1]!;
  const first = Math.min(...offsets);
  const length = frames - (Math.max(...offsets) - first);
  const parts = offsets.map((offset, index) =>
    sliced(
      context,
      input,
      [{ axis: 1, start: offset - first, end: offset - first + length, step: 1 }],
      `frame${index}`,
    ),
  );
  return context.add("Concat", parts, { suffix: "spliced", attributes: { axis: 2 } });
}

async function raiseSplice(context: RaiseContext): Promise<OnnxValue> {
  const { parameters } = context;
  const offsets = parameters.counted("context", "num_context");
  const input = context.input();
  const frames = context.staticShapeOf(input)[1]!;
  const indexed = parameters.number("index_min") === 0 && parameters.number("index_max") === frames - 1;
  if (!indexed || context.record === undefined) return spliced(context, input, offsets);
  const bytes = await context.record.weight.read();
  const indices = Array.from(new Int32Array(bytes.slice().buffer));
  const [n, , features] = context.staticShapeOf(input) as [number, number, number];
  const gathered = context.add("Gather", [input, context.integers("frames", indices)], {
    suffix: "gathered",
    attributes: { axis: 1 },
  });
  return reshaped(context, gathered, [n, indices.length / offsets.length, features * offsets.length]);
}

/** A time-delay layer: spliced frames through a fully connected one. */
async function raiseTdnn(context: RaiseContext): Promise<OnnxValue> {
  const { parameters } = context;
  const outputs = parameters.number("num_outputs");
  const input = spliced(context, context.input(), parameters.counted("context", "num_context"));
  const depth = context.staticShapeOf(input)[2]!;
  const weight = context.builder.constant(`${context.name}/weight`, weightTensor(context.weight, [outputs, depth]));
  const product = context.add("MatMul", [input, transposed(context, weight, [1, 0], "weightTransposed")], {
    suffix: "product",
  });
  const bias = await vectorValues(context.record, outputs);
  const biased =
    bias === undefined ? product : context.add("Add", [product, context.floats("bias", bias)], { suffix: "biased" });
  return activate(context, biased, parameters.name("activation_type"));
}

export const MATRIX_OPERATORS: RaiseTable = {
  FC: raiseFullyConnected,
  MatMul: raiseMatMul,
  Einsum: raiseEinsum,
  Splice: raiseSplice,
  Tdnn: raiseTdnn,
};
