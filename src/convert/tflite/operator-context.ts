import type { Tensor } from "../../graph/tensor.ts";
import { BoltqError, type ErrorCode } from "../../io/error.ts";
import type { OnnxValue } from "../../onnx/model.ts";
import { numbersOf } from "../../onnx/tensor-data.ts";
import { LayoutParts, type Layouts } from "../channels-last/layout.ts";
import type { GraphBuilder } from "../graph-builder.ts";
import { floatTensor, storedTensor } from "./constants.ts";
import { subjectOf, type TfliteOperator, type TfliteTensor } from "./read.ts";

/** What an operator may ask of the whole. */
export interface TfliteValues {
  readonly builder: GraphBuilder;
  readonly layouts: Layouts;
  readonly tensors: readonly TfliteTensor[];
  /** The value of a tensor, channels first. */
  value(tensor: number): OnnxValue;
  /** The numbers of a tensor that follows from sizes. */
  folded(tensor: number): readonly number[] | undefined;
  /** A new constant called as a tensor, or like it where there is one already. */
  constant(tensor: number, data: Tensor): OnnxValue;
}

/** One operator that is being converted. Values have their channels first where they have four axes. */
export class OperatorContext extends LayoutParts {
  readonly operator: TfliteOperator;
  readonly #values: TfliteValues;

  constructor(operator: TfliteOperator, values: TfliteValues) {
    super(values.builder, `op${operator.index}`, values.layouts);
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
    return this.lastShapeOf(this.input(index));
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

  /** All inputs. */
  inputs(): OnnxValue[] {
    return this.operator.inputs.map((_, index) => this.input(index));
  }

  /** A known shape, channels first where it has four axes. */
  shape(value: OnnxValue = this.input()): readonly number[] {
    return this.shapeOf(value);
  }

  override fail(code: ErrorCode, problem: string): never {
    throw new BoltqError(code, problem, { subject: subjectOf(this.operator) });
  }
}

/** Converts one operator: gives its outputs, or the first of them. */
export type ConvertOperator = (
  context: OperatorContext,
) => OnnxValue | readonly OnnxValue[] | Promise<OnnxValue | readonly OnnxValue[]>;

export type OperatorTable = Readonly<Record<string, ConvertOperator>>;
