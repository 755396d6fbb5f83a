import type { OnnxValue } from "../../onnx/model.ts";
import type { GraphBuilder } from "./graph-builder.ts";

/**
 * A tensor as Bolt's int8 kernels see it: real = step × level. The levels, whole numbers from -127 to 127, are held as
 * float32: sums of their products with int8 weights are exact up to 2^24 in any order, and beyond that round as Bolt's
 * own conversion of the sums to float does; float kernels are several times as fast as ONNX Runtime's integer ones and do
 * not saturate on any processor.
 */
export interface Quantized {
  readonly levels: OnnxValue;
  /** float32 scalar: what one level is worth, the inverse of Bolt's scale. */
  readonly step: OnnxValue;
  /** The step where it does not depend on the run. */
  readonly fixedStep: number | undefined;
}

/** What is known of the numbers to quantize. */
export interface QuantizeOptions {
  /** For the names of the nodes. */
  readonly name: string;
  /** Bolt's static scale: levels per unit. Without it, it is 127 / largest magnitude of each run, 1 for all zeros. */
  readonly scale?: number | undefined;
  /** No number is below zero, as after a ReLU. */
  readonly nonNegative?: boolean;
}

const LARGEST_LEVEL = 127;

/** Quantizes as Bolt does (engine of 1.5, quantizeF32ToU8): symmetric, per tensor, round half to even. */
export function quantize(builder: GraphBuilder, input: OnnxValue, options: QuantizeOptions): Quantized {
  const { name, scale } = options;
  if (scale !== undefined) return quantizeStatic(builder, input, Math.fround(scale), name);
  const largest = largestMagnitude(builder, input, options);
  const isZero = builder.add("Equal", [largest, builder.scalar(`${name}/nothing`, 0)], {
    name: `${name}/isZero`,
    type: "bool",
  });
  const safe = scalarNode(builder, "Where", [isZero, builder.scalar(`${name}/levels`, LARGEST_LEVEL), largest], name);
  const found = scalarNode(builder, "Div", [builder.scalar(`${name}/levels`, LARGEST_LEVEL), safe], name);
  const scaled = builder.add("Mul", [input, found], { name: `${name}/scaled` });
  return {
    levels: builder.add("Round", [scaled], { name: `${name}/round` }),
    step: scalarNode(builder, "Reciprocal", [found], name),
    fixedStep: undefined,
  };
}

function quantizeStatic(builder: GraphBuilder, input: OnnxValue, scale: number, name: string): Quantized {
  const scaled = builder.add("Mul", [input, builder.scalar(`${name}/scale`, scale)], { name: `${name}/scaled` });
  const rounded = builder.add("Round", [scaled], { name: `${name}/round` });
  const [low, high] = [-LARGEST_LEVEL, LARGEST_LEVEL].map((limit) => builder.scalar(`${name}/limit`, limit));
  const step = Math.fround(1 / scale);
  return {
    levels: builder.add("Clip", [rounded, low, high], { name: `${name}/clip` }),
    step: builder.scalar(`${name}/step`, step),
    fixedStep: step,
  };
}

/** The numbers that the levels stand for. */
export function dequantize(builder: GraphBuilder, { levels, step }: Quantized, name: string): OnnxValue {
  return builder.add("Mul", [levels, step], { name });
}

function largestMagnitude(builder: GraphBuilder, input: OnnxValue, { name, nonNegative }: QuantizeOptions): OnnxValue {
  const reduce = (type: string) =>
    builder.add(type, [input], { name: `${name}/${type}`, attributes: { keepdims: 0 }, shape: [] });
  const highest = reduce("ReduceMax");
  if (nonNegative) return highest;
  return scalarNode(builder, "Max", [highest, scalarNode(builder, "Neg", [reduce("ReduceMin")], name)], name);
}

function scalarNode(builder: GraphBuilder, type: string, inputs: readonly OnnxValue[], name: string): OnnxValue {
  return builder.add(type, inputs, { name: `${name}/${type}`, type: "float32", shape: [] });
}
