import { elementCount, type Tensor } from "../../graph/tensor.ts";
import { BoltqError, type ErrorCode } from "../../io/error.ts";
import type { OnnxValue } from "../../onnx/model.ts";
import { numbersOf } from "../../onnx/tensor-data.ts";
import { type GraphBuilder, isStatic } from "../graph-builder.ts";
import { OperatorParts } from "../operator-parts.ts";
import { floatTensor, storedTensor } from "./constants.ts";
import { subjectOf, type TfliteOperator, type TfliteTensor } from "./read.ts";

/** Orders of axes: of four, TFLite has channels last, ONNX first. Other ranks stay as they are. */
export const TO_FIRST: readonly number[] = [0, 3, 1, 2];
export const TO_LAST: readonly number[] = [0, 2, 3, 1];

/** What an operator may ask of the whole. */
export interface TfliteValues {
  readonly builder: GraphBuilder;
  readonly tensors: readonly TfliteTensor[];
  /** The value of a tensor, channels first. */
  value(tensor: number): OnnxValue;
  /** The numbers of a tensor that follows from sizes. */
  folded(tensor: number): readonly number[] | undefined;
  /** A new constant called as a tensor, or like it where there is one already. */
  constant(tensor: number, data: Tensor): OnnxValue;
}

/** One operator that is being converted. Values have their channels first where they have four axes. */
export class OperatorContext extends OperatorParts {
  readonly operator: TfliteOperator;
  readonly #values: TfliteValues;

  constructor(operator: TfliteOperator, values: TfliteValues) {
    super(values.builder, `op${operator.index}`);
    this.operator = operator;
    this.#values = values;
  }

  has(index: number): boolean {
    return (this.operator.inputs[index] ?? -1) >= 0;
  }

  /** The tensor as the file states it, channels last. */
  tensor(index: number): TfliteTensor {
    const tensor = this.#values.tensors[this.operator.inputs[index] ?? -1];
    return tensor ?? this.fail("format", `its input ${index} is missing`);
  }

  result(index = 0): TfliteTensor {
    return this.#values.tensors[this.operator.outputs[index] ?? -1] ?? this.fail("format", "it has no output");
  }

  input(index = 0): OnnxValue {
    this.tensor(index);
    return this.#values.value(this.operator.inputs[index]!);
  }

  isConstant(index: number): boolean {
    return this.has(index) && this.tensor(index).data !== undefined;
  }

  /** Whole numbers of a constant, or that follow from sizes; undefined where they are not known yet. */
  async knownIntegers(index: number): Promise<readonly number[] | undefined> {
    const tensor = this.tensor(index);
    if (!/^u?int(32|64|8|16)$/.test(tensor.type)) return undefined;
    if (tensor.data !== undefined) return Array.from(await numbersOf(storedTensor(tensor)));
    return this.#values.folded(this.operator.inputs[index]!);
  }

  /** Sizes of an input as they came out here, channels last. */
  lastShape(index: number): readonly number[] {
    const shape = this.shape(this.input(index));
    return shape.length === 4 ? TO_LAST.map((axis) => shape[axis]!) : shape;
  }

  /** Whole numbers that must be known before the network runs. */
  async constantIntegers(index: number): Promise<number[]> {
    if (!/^u?int(32|64|8|16)$/.test(this.tensor(index).type))
      this.fail("format", `its input ${index} must be whole numbers`);
    const known = await this.knownIntegers(index);
    if (known !== undefined) return [...known];
    return this.fail("unsupported", `its input ${index} is computed while the network runs; a constant is wanted`);
  }

  /** A constant of real numbers with its axes in another order and shape. */
  weight(index: number, axes?: readonly number[], shape?: readonly number[]): OnnxValue {
    return this.#values.constant(this.operator.inputs[index]!, floatTensor(this.tensor(index), axes, shape));
  }

  bias(index: number): OnnxValue[] {
    if (!this.has(index)) return [];
    return [this.isConstant(index) ? this.weight(index) : this.input(index)];
  }

  /** A known shape, channels first where it has four axes. */
  shape(value: OnnxValue = this.input()): readonly number[] {
    const shape = value.type?.shape;
    return isStatic(shape) ? shape : this.fail("unsupported", "the shape of what it reads is not known before it runs");
  }

  /** An axis counted from the last layout's start, as the axis of the value that has channels first. */
  firstAxis(axis: number, rank: number): number {
    const place = axis < 0 ? axis + rank : axis;
    if (place < 0 || place >= rank) this.fail("format", `there is no axis ${axis} in ${rank} dimensions`);
    return rank === 4 ? TO_FIRST.indexOf(place) : place;
  }

  /** The value with its channels last, as TFLite has it. */
  last(value: OnnxValue, suffix = "last"): OnnxValue {
    return this.shape(value).length === 4 ? this.moved(value, TO_LAST, suffix) : value;
  }

  /** A value with channels last, brought to channels first. */
  first(value: OnnxValue, suffix = "first"): OnnxValue {
    return this.shape(value).length === 4 ? this.moved(value, TO_FIRST, suffix) : value;
  }

  /** A transposition; where it moves nothing but axes of size 1, a reshape. */
  moved(value: OnnxValue, perm: readonly number[], suffix: string): OnnxValue {
    const shape = this.shape(value);
    if (perm.every((axis, place) => axis === place)) return value;
    const result = perm.map((axis) => shape[axis]!);
    const long = perm.filter((axis) => shape[axis] !== 1);
    if (long.every((axis, place) => place === 0 || axis > long[place - 1]!))
      return this.reshaped(value, result, suffix);
    return this.add("Transpose", [value], { suffix, attributes: { perm } });
  }

  reshaped(value: OnnxValue, shape: readonly number[], suffix = "shaped"): OnnxValue {
    const from = this.shape(value);
    if (from.join() === shape.join()) return value;
    if (elementCount(from) !== elementCount(shape))
      this.fail("format", `${from.join(" x ")} cannot become ${shape.join(" x ")}`);
    return this.add("Reshape", [value, this.integers(`${suffix}Shape`, shape)], { suffix, shape });
  }

  fail(code: ErrorCode, problem: string): never {
    throw new BoltqError(code, problem, { subject: subjectOf(this.operator) });
  }
}

/** Converts one operator: gives its outputs, or the first of them. */
export type ConvertOperator = (
  context: OperatorContext,
) => OnnxValue | readonly OnnxValue[] | Promise<OnnxValue | readonly OnnxValue[]>;

export type OperatorTable = Readonly<Record<string, ConvertOperator>>;
