import type { OnnxValue } from "../../onnx/model.ts";
import { tensorOf } from "../../onnx/tensor-data.ts";
import type { GraphBuilder } from "./graph-builder.ts";

/** An activation as Bolt's int8 kernels see it: real = step × (value - 128). */
export interface Quantized {
  /** uint8, 128 is zero, 1..255 are used. */
  readonly value: OnnxValue;
  /** float32 scalar: what one level is worth, the inverse of Bolt's scale. */
  readonly step: OnnxValue;
}

/** The zero point of every quantized activation. */
export const ZERO_POINT = 128;
const LEVELS = 127;

/**
 * Quantizes as Bolt does (engine of 1.5, quantizeF32ToU8): symmetric, per tensor, round half to even. `scale` is the
 * stored static scale (levels per unit); without one it is 127 / largest magnitude of this run, 1 for all zeros.
 */
export function quantize(builder: GraphBuilder, input: OnnxValue, scale: number | undefined, name: string): Quantized {
  const step =
    scale === undefined ? dynamicStep(builder, input, name) : builder.scalar(`${name}/step`, 1 / Math.fround(scale));
  const levels = builder.add("QuantizeLinear", [input, step, zeroPoint(builder, name)], { name, type: "uint8" });
  return { value: scale === undefined ? levels : atLeast(builder, levels, 1, `${name}/clamp`), step };
}

/** The numbers that the levels stand for. */
export function dequantize(builder: GraphBuilder, quantized: Quantized, name: string): OnnxValue {
  return builder.add("DequantizeLinear", [quantized.value, quantized.step, zeroPoint(builder, name)], {
    name,
    type: "float32",
  });
}

/** `max(levels, least)` on uint8. */
export function atLeast(builder: GraphBuilder, levels: OnnxValue, least: number, name: string): OnnxValue {
  const bound = builder.constant(`${name}/least`, tensorOf("uint8", [], Uint8Array.of(least)));
  return builder.add("Clip", [levels, bound], { name });
}

export function zeroPoint(builder: GraphBuilder, name: string): OnnxValue {
  return builder.constant(`${name}/zero`, tensorOf("uint8", [], Uint8Array.of(ZERO_POINT)));
}

/** Largest magnitude / 127, or 1 where that is 0. */
function dynamicStep(builder: GraphBuilder, input: OnnxValue, name: string): OnnxValue {
  const reduce = (type: string) =>
    builder.add(type, [input], { name: `${name}/${type}`, attributes: { keepdims: 0 }, shape: [] });
  const lowest = builder.add("Neg", [reduce("ReduceMin")], { name: `${name}/neg` });
  const largest = builder.add("Max", [reduce("ReduceMax"), lowest], { name: `${name}/magnitude` });
  const isZero = builder.add("Equal", [largest, builder.scalar(`${name}/nothing`, 0)], {
    name: `${name}/isZero`,
    type: "bool",
  });
  const step = builder.add("Div", [largest, builder.scalar(`${name}/levels`, LEVELS)], { name: `${name}/div` });
  return builder.add("Where", [isZero, builder.scalar(`${name}/one`, 1), step], {
    name: `${name}/step`,
    type: "float32",
    shape: [],
  });
}
