import type { OnnxValue } from "../../../onnx/model.ts";
import { type ConvertOperator, type OperatorContext, type OperatorTable, TO_FIRST } from "../operator-context.ts";
import { activated } from "./activations.ts";

/** Operands with as many axes as broadcasting needs: TFLite aligns the last axes, of which the last is the channels'. */
export function operands(context: OperatorContext, indices: readonly number[]): OnnxValue[] {
  const rank = Math.max(...indices.map((index) => context.tensor(index).shape.length));
  return indices.map((index) => {
    const { shape } = context.tensor(index);
    const count = shape.reduce((product, size) => product * size, 1);
    if (rank !== 4 || shape.length === 4 || count === 1) return context.input(index);
    const full = [...new Array<number>(4 - shape.length).fill(1), ...shape];
    const first = TO_FIRST.map((axis) => full[axis]!);
    const simple = shape.filter((size) => size > 1).length <= 1;
    if (simple) return context.reshaped(context.input(index), first, `operand${index}`);
    return context.moved(context.reshaped(context.input(index), full, `full${index}`), TO_FIRST, `operand${index}`);
  });
}

const binary =
  (type: string, activationField?: number): ConvertOperator =>
  async (context) => {
    const value = context.add(type, operands(context, [0, 1]));
    return activationField === undefined ? value : activated(context, value, activationField);
  };

const comparison =
  (type: string): ConvertOperator =>
  (context) =>
    context.add(type, operands(context, [0, 1]), { type: "bool" });

function notEqual(context: OperatorContext): OnnxValue {
  return context.add("Not", [context.add("Equal", operands(context, [0, 1]), { suffix: "equal", type: "bool" })]);
}

function squaredDifference(context: OperatorContext): OnnxValue {
  const difference = context.add("Sub", operands(context, [0, 1]), { suffix: "difference" });
  return context.add("Mul", [difference, difference]);
}

function addMany(context: OperatorContext): OnnxValue {
  return context.add(
    "Sum",
    context.operator.inputs.map((_, index) => context.input(index)),
  );
}

function select(context: OperatorContext): OnnxValue {
  const [condition, yes, no] = operands(context, [0, 1, 2]);
  return context.add("Where", [condition, yes, no], { type: yes?.type?.type ?? "float32" });
}

/** Over axes that a constant names; what is left keeps TFLite's order. */
const reduction =
  (type: string): ConvertOperator =>
  async (context) => {
    const shape = context.shape();
    const rank = shape.length;
    const axes = [...new Set((await context.constantIntegers(1)).map((axis) => context.firstAxis(axis, rank)))].sort(
      (a, b) => a - b,
    );
    const kept = ((await context.operator.options?.uint8(0)) ?? 0) !== 0;
    const attributes = { keepdims: kept ? 1 : 0 };
    const reduced =
      type === "ReduceSum"
        ? context.add(type, [context.input(), context.integers("axes", axes)], { attributes })
        : context.add(type, [context.input()], { attributes: { ...attributes, axes } });
    if (kept || rank !== 4) return reduced;
    // Of the axes that are left, the channels' is first here and last there.
    const left = [0, 1, 2, 3].filter((axis) => !axes.includes(axis));
    const order = [0, 2, 3, 1].filter((axis) => left.includes(axis));
    return context.moved(
      reduced,
      order.map((axis) => left.indexOf(axis)),
      "order",
    );
  };

const extreme =
  (type: string): ConvertOperator =>
  async (context) => {
    const [axis = 0] = await context.constantIntegers(1);
    const last = context.last(context.input());
    const rank = context.shape(last).length;
    const place = axis < 0 ? axis + rank : axis;
    const found = context.add(type, [last], {
      suffix: "place",
      type: "int64",
      attributes: { axis: place, keepdims: 0 },
    });
    const wanted = context.result().type;
    return wanted === "int64" ? found : context.cast(found, "int32", "index");
  };

async function topK(context: OperatorContext): Promise<readonly OnnxValue[]> {
  const [count = 1] = await context.constantIntegers(1);
  const axis = context.firstAxis(-1, context.shape().length);
  const shape = context.shape().with(axis, count);
  const [values, places] = context.builder.addMany("TopK", [context.input(), context.integers("count", [count])], {
    name: context.name,
    attributes: { axis },
    outputs: [
      { type: "float32", shape },
      { type: "int64", shape },
    ],
  });
  return [values!, context.cast(places!, "int32", "places")];
}

async function batchMatMul(context: OperatorContext): Promise<OnnxValue> {
  const sides = [];
  for (const index of [0, 1]) {
    const last = context.last(context.input(index), `last${index}`);
    const rank = context.shape(last).length;
    const perm = Array.from({ length: rank }, (_, axis) => axis);
    perm.push(...perm.splice(-2).reverse());
    const turned = ((await context.operator.options?.uint8(index)) ?? 0) !== 0;
    sides.push(turned ? context.moved(last, perm, `turned${index}`) : last);
  }
  return context.first(context.add("MatMul", sides));
}

export const ARITHMETIC: OperatorTable = {
  ADD: binary("Add", 0),
  SUB: binary("Sub", 0),
  MUL: binary("Mul", 0),
  DIV: binary("Div", 0),
  POW: binary("Pow"),
  MAXIMUM: binary("Max"),
  MINIMUM: binary("Min"),
  SQUARED_DIFFERENCE: squaredDifference,
  ADD_N: addMany,
  LESS: comparison("Less"),
  LESS_EQUAL: comparison("LessOrEqual"),
  GREATER: comparison("Greater"),
  GREATER_EQUAL: comparison("GreaterOrEqual"),
  EQUAL: comparison("Equal"),
  NOT_EQUAL: notEqual,
  LOGICAL_AND: comparison("And"),
  LOGICAL_OR: comparison("Or"),
  SELECT: select,
  SELECT_V2: select,
  MEAN: reduction("ReduceMean"),
  SUM: reduction("ReduceSum"),
  REDUCE_MAX: reduction("ReduceMax"),
  REDUCE_MIN: reduction("ReduceMin"),
  REDUCE_PROD: reduction("ReduceProd"),
  ARG_MAX: extreme("ArgMax"),
  ARG_MIN: extreme("ArgMin"),
  TOPK_V2: topK,
  BATCH_MATMUL: batchMatMul,
};
