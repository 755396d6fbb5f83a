import type { RangeMethod } from "../calibrate/range.ts";

/** How a value is stored between operators: real = scale × (q − zeroPoint). */
export interface ValuePlan {
  readonly name: string;
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

/** How a weight is stored: symmetric int8. */
export interface WeightPlan {
  /** The operator that reads it. */
  readonly operator: string;
  readonly name: string;
  readonly type: "int8";
  /** One for each channel, or one alone; float32 numbers. */
  readonly scales: readonly number[];
  /** The axis of the channels. */
  readonly axis: number;
  readonly granularity: "per-channel" | "per-tensor";
  readonly method: string;
  /** The largest code: 127, or 63 in 7 bits. */
  readonly largest: number;
  readonly reason: string;
}

/** A bias as int32 codes: scale = input scale × weight scale. */
export interface BiasPlan {
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
  readonly precision: "int8" | "float";
  readonly reason: string;
}

/** Known ways to ruin a model, and what else the user must hear of. */
export type WarningKind =
  | "bias-overflow"
  | "dead-channel"
  | "zero-range"
  | "per-channel-below-opset-13"
  | "saturation-without-vnni"
  | "rule-without-operator"
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
  readonly operators: readonly OperatorPlan[];
  readonly values: readonly ValuePlan[];
  readonly weights: readonly WeightPlan[];
  readonly biases: readonly BiasPlan[];
  readonly warnings: readonly PlanWarning[];
  /** What was changed about the graph before, for the user to know. */
  readonly notes: readonly string[];
}

/** A warning as one line. */
export function describeWarning({ kind, subject, problem, remedy }: PlanWarning): string {
  return `${kind}: ${subject}: ${problem}. ${remedy}`;
}
