import type { ElementType } from "../../../graph/tensor.ts";
import type { OnnxValue } from "../../../onnx/model.ts";
import type { AttributeInits } from "../../../onnx/node-data.ts";
import { elementTypeNumber } from "../../../onnx/schema.ts";
import { encodedTensor, floatTensor, integerTensor } from "../../../onnx/tensor-data.ts";
import type { Rewriting } from "./rewrite.ts";

/** A value, or a number that becomes a float32 constant without axes. */
export type Operand = OnnxValue | number | undefined;

/** Writes down what computes a value, operator by operator; names are numbered. */
export interface Formula {
  /** Adds an operator of one output. */
  op(type: string, operands: readonly Operand[], attributes?: AttributeInits): OnnxValue;
  cast(value: OnnxValue, type: ElementType): OnnxValue;
  reshape(value: OnnxValue, shape: readonly number[]): OnnxValue;
  floats(shape: readonly number[], values: ArrayLike<number>): OnnxValue;
  /** A list of int64, as shapes and indices are given. */
  integers(values: readonly number[], shape?: readonly number[]): OnnxValue;
  /** A constant of a stated type. */
  constant(type: ElementType, shape: readonly number[], values: readonly number[]): OnnxValue;
}

/** Formulas in the place of the operator that is rewritten, before it. */
export function formulaOf(rewriting: Rewriting): Formula {
  let count = 0;
  const suffix = (type: string) => `${type}${count++}`;
  const op: Formula["op"] = (type, operands, attributes = {}) => {
    const inputs = operands.map((operand) =>
      typeof operand === "number" ? rewriting.constant(suffix("number"), floatTensor([], [operand])) : operand,
    );
    return rewriting.add(type, inputs, suffix(type), attributes);
  };
  const integers: Formula["integers"] = (values, shape = [values.length]) =>
    rewriting.constant(suffix("integers"), integerTensor(shape, values));
  return {
    op,
    integers,
    cast: (value, type) =>
      (value.constant ?? value.type)?.type === type ? value : op("Cast", [value], { to: elementTypeNumber(type) }),
    reshape: (value, shape) => op("Reshape", [value, integers(shape)]),
    floats: (shape, values) => rewriting.constant(suffix("floats"), floatTensor(shape, values)),
    constant: (type, shape, values) => rewriting.constant(suffix("constant"), encodedTensor(type, shape, values)),
  };
}
