import type { ElementType } from "../../graph/tensor.ts";
import { intAttribute } from "../../onnx/attributes.ts";
import type { OnnxNode } from "../../onnx/model.ts";
import { numbersOf } from "../../onnx/tensor-data.ts";

/** Least and largest code. */
export interface CodeRange {
  readonly least: number;
  readonly most: number;
}

/** The codes of an integer type that QuantizeLinear gives; undefined for other types. */
export function codeRange(type: ElementType): CodeRange | undefined {
  const [, unsigned, bits] = /^(u?)int(2|4|8|16)$/.exec(type) ?? [];
  return bits === undefined ? undefined : rangeOfBits(Number(bits), unsigned === "");
}

function rangeOfBits(bits: number, signed: boolean): CodeRange {
  return signed ? { least: -(2 ** (bits - 1)), most: 2 ** (bits - 1) - 1 } : { least: 0, most: 2 ** bits - 1 };
}

/** What a Quant operator (QONNX) says of its codes. */
export interface QuantParameters extends CodeRange {
  readonly scales: ArrayLike<number>;
  readonly scaleShape: readonly number[];
  readonly zeroPoint: number;
}

/** Undefined where scale, zero point or width are no constants. */
export async function quantParameters(node: OnnxNode): Promise<QuantParameters | undefined> {
  const [scale, zero, width] = [1, 2, 3].map((index) => node.inputs[index]?.constant);
  if (scale === undefined || width === undefined) return undefined;
  const bits = (await numbersOf(width))[0]!;
  const signed = intAttribute(node, "signed", 1) === 1;
  const { least, most } = rangeOfBits(bits, signed);
  const narrow = intAttribute(node, "narrow", 0) === 1;
  return {
    scales: await numbersOf(scale),
    scaleShape: scale.shape,
    zeroPoint: zero === undefined ? 0 : (await numbersOf(zero))[0]!,
    least: narrow && signed ? least + 1 : least,
    most: narrow && !signed ? most - 1 : most,
  };
}
