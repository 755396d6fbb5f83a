import type { Node } from "../graph/graph.ts";
import { elementCount } from "../graph/tensor.ts";
import { float32Of, numbersOf } from "../onnx/tensor-data.ts";
import type { LayerLoss } from "./layer-losses.ts";
import type { LayerPair } from "./layer-pairs.ts";
import { type Quantizer, rangeOf } from "./quantizer-noise.ts";
import { channelAxis, storedConstant } from "./stored-constant.ts";

/** Why an operator of a quantized model errs. */
export type LossReason =
  | "clipped"
  | "data never reached it"
  | "coarse"
  | "shared scale"
  | "input clipped"
  | "input coarse"
  | "dead channel"
  | "bias overflow"
  | "bias changed"
  | "one scale for all channels"
  | "rounding of weights"
  | "arithmetic in 8 bits";

/** A reason, with what shows it and the method that would help. */
export interface ExplainedLoss {
  readonly reason: LossReason;
  readonly evidence: string;
  readonly remedy: string;
}

const REMEDIES: Readonly<Record<LossReason, string>> = {
  clipped: "Find its range with --method minmax or percentile, or calibrate with more examples",
  "data never reached it": "Calibrate with examples that reach it, such as those compared here",
  coarse: "Leave the operator in float with a rule, or equalize channels with --effort default",
  "shared scale":
    "Leave the Concat or Add that joins the values in float with a rule, so that each has a scale of its own",
  "input clipped": "Find the input's range with --method minmax, or calibrate with more examples",
  "input coarse": "Leave the operator that reads it in float with a rule",
  "dead channel": "Use one scale for each channel (weights.granularity per-channel), or leave the operator in float",
  "bias overflow": "Leave the operator in float with a rule: its bias does not fit int32 at these scales",
  "bias changed": "Make the model again with biasCorrection: false, or with more examples",
  "one scale for all channels": "Use one scale for each channel (weights.granularity per-channel)",
  "rounding of weights":
    "Fit the rounding with --effort default and example data, or leave the operator in float with a rule",
  "arithmetic in 8 bits": "Leave the operator in float with a rule",
};

/** Scales that several values share, by scale and zero point. */
export type SharedScales = ReadonlyMap<string, number>;

/** How many values are stored with each scale and zero point. */
export function sharedScales(losses: readonly LayerLoss[]): SharedScales {
  const counts = new Map<string, number>();
  for (const { quantizer } of losses) {
    if (quantizer !== undefined) counts.set(keyOf(quantizer), (counts.get(keyOf(quantizer)) ?? 0) + 1);
  }
  return counts;
}

/** Says which part of an operator's own error is the largest, and what would help. Reads its weights. */
export async function explainLoss(loss: LayerLoss, shared: SharedScales): Promise<ExplainedLoss> {
  const weight = await weightLoss(loss.pair);
  const candidates = [...outputLosses(loss, shared), ...inputLosses(loss), ...weightLosses(loss, weight)];
  const [reason, , evidence] = candidates.toSorted((one, other) => other[1] - one[1])[0]!;
  return { reason, evidence, remedy: REMEDIES[reason] };
}

/** A reason, the power of the error that it makes, and what shows it. */
type Candidate = readonly [reason: LossReason, power: number, evidence: string];

/** Numbers count as never seen when the range holds less than this share of what they reach. */
const SEEN_SHARE = 0.25;

function outputLosses({ quantizer, output }: LayerLoss, shared: SharedScales): Candidate[] {
  if (quantizer === undefined) return [];
  const [low, high] = rangeOf(quantizer);
  const reach = Math.max(Math.abs(output.minimum), Math.abs(output.maximum));
  const share = output.outside / Math.max(1, output.numbers);
  const stored = `its range is ${show(low)} to ${show(high)}, its numbers reach from ${show(output.minimum)} to ${show(output.maximum)}`;
  const unseen = Math.max(Math.abs(low), Math.abs(high)) < SEEN_SHARE * reach;
  const used = (output.maximum - output.minimum) / (high - low);
  const isShared = (shared.get(keyOf(quantizer)) ?? 1) > 1 && used < 0.5;
  return [
    [
      unseen ? "data never reached it" : "clipped",
      output.clipping,
      `${percent(share)} of its numbers are cut: ${stored}`,
    ],
    [
      isShared ? "shared scale" : "coarse",
      output.rounding,
      `it uses ${Math.min(256, Math.max(1, Math.round(256 * used)))} of 256 steps: ${stored}`,
    ],
  ];
}

function inputLosses({ input, signal }: LayerLoss): Candidate[] {
  if (input === undefined) return [];
  const relative = signal / Math.max(input.power, Number.MIN_VALUE);
  const share = percent(input.outside / Math.max(1, input.numbers));
  return [
    ["input clipped", input.clipping * relative, `${share} of its input's numbers are cut`],
    ["input coarse", input.rounding * relative, "its input has too few steps"],
  ];
}

interface WeightLoss {
  /** Power of the error of the weight's numbers over the power of these. */
  readonly share: number;
  /** Power of the bias's error, for one number of the output. */
  readonly biasError: number;
  readonly biasOverflows: boolean;
  readonly dead: readonly number[];
  readonly channels: number;
  readonly scales: number;
}

/** What is left of an operator's error comes of its weights, if it has some. */
function weightLosses({ noise, output, input, signal, pair }: LayerLoss, weight: WeightLoss | undefined): Candidate[] {
  const explained = output.clipping + output.rounding + (input === undefined ? 0 : inputPower(input, signal));
  const rest = Math.max(0, noise - explained);
  if (weight === undefined)
    return [["arithmetic in 8 bits", rest, `${pair.counterpart.type} computes with whole levels of 8 bits`]];
  const bias = Math.min(rest, weight.biasError * output.numbers);
  const weights = `its weights are ${(-10 * Math.log10(Math.max(weight.share, 1e-12))).toFixed(1)} dB from the float model's`;
  return [
    [
      weight.biasOverflows ? "bias overflow" : "bias changed",
      weight.biasOverflows ? rest : bias / 2,
      "its bias is not the float model's",
    ],
    weight.dead.length > 0
      ? ["dead channel", rest, `channels ${listed(weight.dead)} of its weight became 0`]
      : weight.scales === 1 && weight.channels > 1
        ? ["one scale for all channels", rest - bias / 2, weights]
        : ["rounding of weights", rest - bias / 2, weights],
  ];
}

function inputPower(input: NonNullable<LayerLoss["input"]>, signal: number): number {
  return ((input.clipping + input.rounding) * signal) / Math.max(input.power, Number.MIN_VALUE);
}

async function weightLoss({ operator, counterpart }: LayerPair): Promise<WeightLoss | undefined> {
  const [constant, stored] = [operator.inputs[1]?.constant, storedConstant(counterpart.inputs[1])];
  if (constant === undefined || stored === undefined || constant.type !== "float32") return undefined;
  if (elementCount(constant.shape) !== elementCount(stored.tensor.shape)) return undefined;
  const [right, { length: scales }, axis] = [await float32Of(constant), await stored.scales(), channelAxis(operator)];
  const values = await stored.values();
  const channels = constant.shape[axis] ?? 1;
  const inner = elementCount(constant.shape.slice(axis + 1));
  const left = new Float64Array(channels);
  const there = new Float64Array(channels);
  let [error, power] = [0, 0];
  for (let index = 0; index < right.length; index++) {
    const channel = Math.floor(index / inner) % channels;
    const [value, wanted] = [values[index]!, right[index]!];
    error += (value - wanted) ** 2;
    power += wanted ** 2;
    left[channel]! += Math.abs(value);
    there[channel]! += Math.abs(wanted);
  }
  const dead = [...left.keys()].filter((channel) => left[channel] === 0 && there[channel]! > 0);
  const bias = await biasLoss(operator, counterpart);
  return { share: error / Math.max(power, Number.MIN_VALUE), ...bias, dead, channels, scales };
}

async function biasLoss(operator: Node, counterpart: Node): Promise<Pick<WeightLoss, "biasError" | "biasOverflows">> {
  const none = { biasError: 0, biasOverflows: false };
  const [constant, stored] = [operator.inputs[2]?.constant, storedConstant(counterpart.inputs[2])];
  if (constant === undefined || stored === undefined) return none;
  const [right, values] = [await float32Of(constant), await stored.values()];
  if (right.length !== values.length || right.length === 0) return none;
  const codes = await numbersOf(stored.tensor);
  const biasError = right.reduce((sum, value, index) => sum + (value - values[index]!) ** 2, 0) / right.length;
  const overflows =
    stored.tensor.type === "int32" && Array.prototype.some.call(codes, (code: number) => Math.abs(code) >= MOST_CODE);
  return { biasError, biasOverflows: overflows };
}

/** The largest codes of int32, and what tools use in their place. */
const MOST_CODE = 2 ** 31 - 256;

function keyOf({ scale, zeroPoint }: Quantizer): string {
  return `${scale} ${zeroPoint}`;
}

function show(value: number): string {
  return Number(value.toPrecision(3)).toString();
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.01 ? 2 : 1)} %`;
}

function listed(channels: readonly number[]): string {
  return channels.length > 4 ? `${channels.slice(0, 4).join(", ")}, …` : channels.join(", ");
}
