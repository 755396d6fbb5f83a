import type { BoltModel, BoltNode } from "../../bolt/model.ts";
import { type Bytes, chunksOf } from "../../io/bytes.ts";
import type { PlanWarning, WeightPlan } from "../plan.ts";
import { type BoltPrecision, computeType } from "./recipe.ts";
import { recordTypes } from "./storage.ts";
import { floatView } from "./weight-work.ts";

/** Bits of float32 magnitudes: 65520, the least that float16 rounds to infinity, and infinity; NaN is above. */
const FLOAT16_OVERFLOW = 0x477ff000;
const INFINITE = 0x7f800000;

/** All bits but the sign. */
const MAGNITUDE = 0x7fffffff;

/**
 * Names the weights and biases that hold NaN or infinity, and those that float16 makes infinite where they are stored or
 * computed with in it. `inInt8` says which operators compute in int8, `wayOut` how to leave float16. Reads each weight once, and again what holds such.
 */
export async function weightWarnings(
  model: BoltModel,
  plans: readonly WeightPlan[],
  precision: BoltPrecision,
  inInt8: (node: BoltNode) => boolean,
  wayOut: string,
): Promise<PlanWarning[]> {
  const nodes = new Map(model.graph.nodes.map((node) => [node.name, node]));
  const half = computeType(precision.inference) === "F16";
  const warnings: PlanWarning[] = [];
  for (const plan of plans) {
    const record = model.weights.of({ name: plan.operator });
    if (record?.dataType !== "F32" || plan.type === "integers") continue;
    const node = nodes.get(plan.operator);
    const weightInHalf = plan.type === "float16" || (half && plan.type !== "float32" && !(node && inInt8(node)));
    const vectorInHalf = recordTypes(record, node, plan.type, precision, false).vector === "F16";
    const parts = [
      { what: "weight", bytes: record.weight, inHalf: weightInHalf },
      { what: "bias", bytes: record.vector, inHalf: vectorInHalf },
    ];
    for (const { what, bytes, inHalf } of parts) {
      const numbers = bytes.sameNumbers ?? bytes;
      if (!(await anyReaches(numbers, inHalf ? FLOAT16_OVERFLOW : INFINITE))) continue;
      const warning = warningFor(await largestBits(numbers), `${what} of "${plan.operator}"`, inHalf, wayOut);
      if (warning !== undefined) warnings.push(warning);
    }
  }
  return warnings;
}

function warningFor(bits: number, subject: string, inHalf: boolean, wayOut: string): PlanWarning | undefined {
  if (bits >= INFINITE) {
    return {
      kind: "broken-weight",
      subject,
      problem: `it holds ${bits > INFINITE ? "NaN" : "infinity"}, which spoils what is computed from it`,
      remedy: "Export the model again from a checkpoint that is sound",
    };
  }
  if (!inHalf || bits < FLOAT16_OVERFLOW) return undefined;
  const largest = new Float32Array(Uint32Array.of(bits).buffer)[0]!;
  return {
    kind: "float16-overflow",
    subject,
    problem: `it holds ±${largest.toPrecision(6)}, which is infinite in float16 (largest: 65504)`,
    remedy: `Give ${wayOut}`,
  };
}

/** The bits of the largest magnitude, as a whole number; those of NaN are above those of infinity. */
async function largestBits(bytes: Bytes): Promise<number> {
  let largest = 0;
  for await (const chunk of chunksOf(bytes)) {
    const { buffer, byteOffset, length } = floatView(chunk);
    const words = new Uint32Array(buffer, byteOffset, length);
    for (let index = 0; index < words.length; index++) {
      const magnitude = words[index]! & MAGNITUDE;
      if (magnitude > largest) largest = magnitude;
    }
  }
  return largest;
}

/** Whether a magnitude has at least these bits: a quick look, as a search for the largest one is needed but rarely. */
async function anyReaches(bytes: Bytes, limit: number): Promise<boolean> {
  // Added to magnitudes from the limit on, it carries into the sign.
  const rest = 2 ** 31 - limit;
  for await (const chunk of chunksOf(bytes)) {
    const { buffer, byteOffset, length } = floatView(chunk);
    if (carries(new Int32Array(buffer, byteOffset, length), rest)) return true;
  }
  return false;
}

function carries(words: Int32Array, rest: number): boolean {
  let [one, two, three, four] = [0, 0, 0, 0];
  const whole = words.length - (words.length % 4);
  for (let index = 0; index < whole; index += 4) {
    one |= (words[index]! & MAGNITUDE) + rest;
    two |= (words[index + 1]! & MAGNITUDE) + rest;
    three |= (words[index + 2]! & MAGNITUDE) + rest;
    four |= (words[index + 3]! & MAGNITUDE) + rest;
  }
  for (let index = whole; index < words.length; index++) one |= (words[index]! & MAGNITUDE) + rest;
  return (one | two | three | four) < 0;
}
