import type { Label } from "../bolt/label.ts";
import type { RangeMethod } from "../calibrate/range.ts";
import type { ChannelScaling } from "../transform/onnx/equalize-channels.ts";
import type { InputScaling } from "../transform/onnx/scale-inputs.ts";
import type { BoltInference, BoltStorage } from "./bolt/recipe.ts";

/** How a value is stored between operators: real = scale × (q − zeroPoint). */
export interface ValuePlan {
  readonly name: string;
  /** In a Bolt network: the operator that gives or reads it. Without it: all that do. */
  readonly operator?: string;
  /** Whether a quantized operator gives it; else it is quantized for those that read it. */
  readonly made: boolean;
  readonly type: "uint8" | "int8";
  /** A float32 number. */
  readonly scale: number;
  readonly zeroPoint: number;
  readonly granularity: "per-tensor";
  /** The range that is kept. */
  readonly low: number;
  readonly high: number;
  /** How the range was found. */
  readonly method: RangeMethod | "table";
  /** Shares of the numbers that are clipped and that become zero; undefined where no histogram was collected. */
  readonly clipped: number | undefined;
  readonly zeroed: number | undefined;
  readonly reason: string;
}

/** What the numbers of a weight are stored as; `integers`: as they are, being no float numbers. */
export type WeightType = "int8" | "uint8" | "int4" | "uint4" | "nf4" | "float16" | "float32" | "integers";

/**
 * How an operator of an ONNX model reads a weight that is not int8 behind a DequantizeLinear; `quantize/onnx/forms` has one
 * file for each.
 */
export type WeightForm =
  | "dynamic-int8"
  | "matmul-blocks"
  | "matmul-nf4"
  | "gather-blocks"
  | "gather-rows"
  | "float16"
  | "cast";

/** How a weight is stored: symmetric, unless it says otherwise. */
export interface WeightPlan {
  /** The operator that reads it. */
  readonly operator: string;
  readonly name: string;
  readonly type: WeightType;
  readonly form?: WeightForm | undefined;
  /** So many numbers share a scale; none: a channel does, or all. */
  readonly block?: number | undefined;
  /** Default true. */
  readonly symmetric?: boolean | undefined;
  /** One for each channel, or one alone; float32 numbers. None: the largest magnitude is found when it is written. */
  readonly scales: readonly number[];
  /** The codes, in the weight's own order, where they are not the nearest to its numbers. */
  readonly codes?: Int8Array;
  /** What each channel of the operator's input is divided by, and the weights that it meets multiplied with, before both are quantized. */
  readonly inputFactors?: readonly number[] | undefined;
  /** Cut to ±this first. */
  readonly clip?: number;
  /** The axis of the channels. */
  readonly axis: number;
  readonly granularity: "per-channel" | "per-tensor";
  readonly method: string;
  /** The largest code: 127, 63 in 7 bits, 7 in 4. */
  readonly largest: number;
  readonly reason: string;
}

/** A bias that stays float, with its new numbers: one for each output channel. */
export interface FloatBiasPlan {
  readonly type: "float32";
  readonly operator: string;
  readonly values: readonly number[];
}

/** A bias as int32 codes: scale = input scale × weight scale. */
export interface BiasPlan {
  readonly type: "int32";
  readonly operator: string;
  /** undefined: the operator had none, and gets this one. */
  readonly name: string | undefined;
  readonly scales: readonly number[];
  readonly codes: readonly number[];
}

/** What becomes of an operator and why. */
export interface OperatorPlan {
  readonly name: string;
  readonly type: string;
  readonly precision: "int8" | "float16" | "float";
  /** Bolt's word for it; none: the file says nothing of the operator. */
  readonly label?: Label | undefined;
  /** In a Bolt network: its scales are those of `values`; else they are found at each run. */
  readonly static?: boolean | undefined;
  readonly reason: string;
}

/** What a plan for a `.bolt` file is about as a whole. */
export interface BoltTarget {
  readonly inference: BoltInference;
  readonly storage: BoltStorage;
  /** Whether BatchNorm was folded and activations fused before. */
  readonly fuseBatchNorm: boolean;
  readonly asBolt: boolean;
}

/** Known ways to ruin a model, and what else the user must hear of. */
export type WarningKind =
  | "bias-overflow"
  | "dead-channel"
  | "zero-range"
  | "per-channel-below-opset-13"
  | "saturation-without-vnni"
  | "rule-without-operator"
  | "rule-without-effect"
  | "stays-float"
  | "may-not-be-quantized"
  | "int8-read-as-float"
  | "float-weight-of-int8-operator"
  | "float16-overflow"
  | "broken-weight"
  | "nothing-quantized";

/** A named diagnostic: what is wrong with which tensor or operator, and the way out. */
export interface PlanWarning {
  readonly kind: WarningKind;
  readonly subject: string;
  readonly problem: string;
  readonly remedy: string;
}

/** All that will be done to a model; plain data. */
export interface Plan {
  readonly format: "onnx" | "bolt";
  /** Only in plans for `.bolt`. */
  readonly bolt?: BoltTarget;
  /** In an ONNX model: weights that are scaled before all else, so that channels use the range that they share. */
  readonly channelScalings?: readonly ChannelScaling[];
  /** In an ONNX model: what is done before that, so that the channels that products read reach as far as each other. */
  readonly inputScalings?: readonly InputScaling[];
  readonly operators: readonly OperatorPlan[];
  readonly values: readonly ValuePlan[];
  readonly weights: readonly WeightPlan[];
  readonly biases: readonly (BiasPlan | FloatBiasPlan)[];
  readonly warnings: readonly PlanWarning[];
  /** What was changed about the graph before, for the user to know. */
  readonly notes: readonly string[];
}

/** A warning as one line. */
export function describeWarning({ kind, subject, problem, remedy }: PlanWarning): string {
  return `${kind}: ${subject}: ${problem}. ${remedy}`;
}
