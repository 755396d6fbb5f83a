import type { BoltDataType } from "../../bolt/data-type.ts";
import type { ParameterValues } from "../../bolt/parameters.ts";
import type { BoltRules } from "../../bolt/rules.ts";
import { elementCount } from "../../graph/tensor.ts";
import type { Bytes } from "../../io/bytes.ts";
import { BoltqError } from "../../io/error.ts";
import type { OnnxNode, OnnxTensor, OnnxValue } from "../../onnx/model.ts";
import { integersOf, numbersOf } from "../../onnx/tensor-data.ts";

/** The weight record of a lowered operator. */
export interface LoweredWeight {
  readonly dataType: BoltDataType;
  readonly weight: Bytes;
  readonly vector: Bytes;
}

/** One Bolt operator that an ONNX operator becomes. */
export interface LoweredOperator {
  /** Added to the ONNX operator's name; "" for the main one. */
  readonly nameSuffix?: string;
  readonly type: string;
  readonly parameters?: ParameterValues;
  /** ONNX values to read; constants among them become shared weights. Default: all that are not constant. */
  readonly inputs?: readonly OnnxValue[];
  readonly weight?: LoweredWeight;
}

/**
 * What an ONNX operator becomes: a chain of Bolt operators. The first one reads the inputs, each next one the result of
 * the one before; the last one gives the outputs. Steps between bear the name of the first output, as Bolt has it.
 */
export type Lower = (node: OnnxNode, context: LoweringContext) => Promise<readonly LoweredOperator[]>;

/** What lowering an operator may ask. */
export interface LoweringContext {
  /** Whose tool's rules: they differ by file version. */
  readonly rules: BoltRules;
  /** Do what Bolt's tool does, also where it computes something else. */
  readonly asBolt: boolean;
  /** Says what is worth knowing of the conversion. */
  readonly note: (text: string) => void;
  /** How many operators read a constant as their own weight. */
  readonly referenceCount: (value: OnnxValue) => number;
}

/** Greatest and least 32-bit integers: ONNX's 64-bit ones are cut to these. */
const INT_MAX = 2 ** 31 - 1;
const INT_MIN = -(2 ** 31);

/** Input `index` if it is a constant. */
export function constantInput(node: OnnxNode, index: number): OnnxTensor | undefined {
  return node.inputs[index]?.constant;
}

/** The integers of a constant input, cut to 32 bits; undefined when it is left out or not constant. */
export async function constantIntegers(node: OnnxNode, index: number): Promise<number[] | undefined> {
  const tensor = constantInput(node, index);
  return tensor === undefined ? undefined : (await integersOf(tensor)).map(cutToInt32);
}

/** The numbers of a constant input; undefined when it is left out or not constant. */
export async function constantNumbers(node: OnnxNode, index: number): Promise<ArrayLike<number> | undefined> {
  const tensor = constantInput(node, index);
  return tensor === undefined ? undefined : numbersOf(tensor);
}

/** A constant input that the conversion cannot do without. Throws `unsupported`. */
export function requireConstant(node: OnnxNode, index: number, what: string): OnnxTensor {
  const tensor = constantInput(node, index);
  if (tensor !== undefined) return tensor;
  throw new BoltqError("unsupported", `its ${what} is computed while the network runs; Bolt wants a constant`, {
    subject: `operator "${node.name}" (${node.type})`,
    remedy: "Fold constants in the model first, or fix the shapes of its inputs",
  });
}

/** Whether a node of two inputs reads a constant of one float number beside a tensor that it does not stretch. */
export function isOneNumberBeside({ inputs }: OnnxNode): boolean {
  const [first, second] = inputs[1]?.constant === undefined ? [inputs[1], inputs[0]] : [inputs[0], inputs[1]];
  const constant = second?.constant;
  if (inputs.length !== 2 || first === undefined || constant === undefined || elementCount(constant.shape) !== 1)
    return false;
  const rank = first.type?.shape?.length;
  return (
    constant.type.includes("float") &&
    (constant.shape.length <= 1 || (rank !== undefined && constant.shape.length <= rank))
  );
}

export function cutToInt32(value: number): number {
  return Math.max(INT_MIN, Math.min(INT_MAX, value));
}

/** The inputs that are there and not constant. */
export function dynamicInputs(node: OnnxNode): OnnxValue[] {
  return node.inputs.filter((input): input is OnnxValue => input !== undefined && input.constant === undefined);
}

/** The inputs that are there. */
export function allInputs(node: OnnxNode): OnnxValue[] {
  return node.inputs.filter((input): input is OnnxValue => input !== undefined);
}

/** The first input, also if it is constant, and those after it that are not. */
export function firstAndDynamicInputs(node: OnnxNode): OnnxValue[] {
  return node.inputs.filter(
    (input, index): input is OnnxValue => input !== undefined && (index === 0 || input.constant === undefined),
  );
}
