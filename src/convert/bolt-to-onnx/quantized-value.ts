import { QMAX } from "../../bolt/label.ts";
import type { OnnxValue } from "../../onnx/model.ts";
import type { GraphBuilder } from "../graph-builder.ts";

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
}

/** What is known of the numbers to quantize. */
export interface QuantizeOptions {
  /** For the names of the nodes. */
  readonly name: string;
  /** Bolt's static scale, levels per unit: it clips larger numbers. */
  readonly scale?: number | undefined;
  /** No number is below zero, as after a ReLU. */
  readonly nonNegative?: boolean;
}

/**
 * Quantizes as Bolt does (engine of 1.5, quantizeF32ToU8): symmetric, per tensor, round half to even. The scale is 127 /
 * largest magnitude of each run, 1 for all zeros (and what is next to none); a static scale takes its place only where that is greater, so it never
 * makes the levels coarser.
 */
export function quantize(builder: GraphBuilder, input: OnnxValue, options: QuantizeOptions): Quantized {
  const { name, scale } = options;
  const found = scaleOfRun(builder, input, options);
  const used =
    scale === undefined
      ? found
      : scalarNode(builder, "Max", [found, builder.scalar(`${name}/scale`, Math.fround(scale))], name);
  const scaled = builder.add("Mul", [input, used], { name: `${name}/scaled` });
  const rounded = builder.add("Round", [scaled], { name: `${name}/round` });
  const [low, high] = [-QMAX.int8, QMAX.int8].map((limit) => builder.scalar(`${name}/limit`, limit));
  return {
    levels: scale === undefined ? rounded : builder.add("Clip", [rounded, low, high], { name: `${name}/clip` }),
    step: scalarNode(builder, "Reciprocal", [used], name),
  };
}

/** Below this largest magnitude the scale would not be finite in float32. */
const LEAST_LARGEST = 4e-37;

function scaleOfRun(builder: GraphBuilder, input: OnnxValue, options: QuantizeOptions): OnnxValue {
  const { name } = options;
  const largest = largestMagnitude(builder, input, options);
  const isZero = builder.add("Less", [largest, builder.scalar(`${name}/nothing`, LEAST_LARGEST)], {
    name: `${name}/isZero`,
  });
  const levels = builder.scalar(`${name}/levels`, QMAX.int8);
  const safe = scalarNode(builder, "Where", [isZero, levels, largest], name);
  return scalarNode(builder, "Div", [levels, safe], name);
}

/** The numbers that the levels stand for. */
export function dequantize(builder: GraphBuilder, { levels, step }: Quantized, name: string): OnnxValue {
  return builder.add("Mul", [levels, step], { name });
}

function largestMagnitude(builder: GraphBuilder, input: OnnxValue, { name, nonNegative }: QuantizeOptions): OnnxValue {
  const reduce = (type: string) => builder.add(type, [input], { name: `${name}/${type}`, attributes: { keepdims: 0 } });
  const highest = reduce("ReduceMax");
  if (nonNegative) return highest;
  return scalarNode(builder, "Max", [highest, scalarNode(builder, "Neg", [reduce("ReduceMin")], name)], name);
}

function scalarNode(builder: GraphBuilder, type: string, inputs: readonly OnnxValue[], name: string): OnnxValue {
  return builder.add(type, inputs, { name: `${name}/${type}` });
}
