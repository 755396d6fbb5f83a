import type { BoltModel } from "../bolt/model.ts";
import type { Model } from "../convert/model-file.ts";
import type { Node, Value } from "../graph/graph.ts";
import { ELEMENT_BITS, elementCount, type Tensor } from "../graph/tensor.ts";
import { numbersOf } from "../onnx/tensor-data.ts";
import { changesFormat } from "./operator-families.ts";

/** What tells an operator's weight from others of its size. */
export interface WeightMark {
  readonly elements: number;
  /** Signs of some of its elements: rounding and scaling leave them, unless they become 0. */
  readonly signs: Int8Array;
}

/** Smaller constants are parameters, not weights. */
const LEAST_ELEMENTS = 32;

const SAMPLED = 256;

/** Share of signs that must agree. Of two weights that have nothing to do with each other it is about a half. */
const AGREEING = 0.9;

/** Marks of the weights of an ONNX model's operators. A Bolt model's are laid out otherwise: it gets none. */
export async function weightMarks(model: Model): Promise<Map<Node, WeightMark>> {
  const marks = new Map<Node, WeightMark>();
  if (isBolt(model)) return marks;
  for (const node of model.main.graph.nodes as readonly Node[]) {
    if (changesFormat(node)) continue;
    const weight = node.inputs.map(constantBehind).find((found) => found !== undefined);
    if (weight !== undefined)
      marks.set(node, { elements: elementCount(weight.tensor.shape), signs: await signsOf(weight) });
  }
  return marks;
}

export function sameWeight(one: WeightMark, other: WeightMark): boolean {
  let [agreeing, known] = [0, 0];
  for (let index = 0; index < one.signs.length; index++) {
    const product = one.signs[index]! * other.signs[index]!;
    if (product !== 0) known += 1;
    if (product > 0) agreeing += 1;
  }
  return known >= Math.min(16, one.signs.length / 4) && agreeing >= AGREEING * known;
}

function isBolt(model: Model): model is BoltModel {
  return model.format === "bolt";
}

interface FoundWeight {
  readonly tensor: Tensor;
  /** Of its codes, where it is one number. */
  readonly zeroPoint: Tensor | undefined;
}

function constantBehind(value: Value | undefined): FoundWeight | undefined {
  const dequantized = value?.producer?.type === "DequantizeLinear" ? value.producer : undefined;
  const tensor = (dequantized?.inputs[0] ?? value)?.constant;
  if (tensor === undefined || ELEMENT_BITS[tensor.type] === 0 || elementCount(tensor.shape) < LEAST_ELEMENTS) return;
  return { tensor, zeroPoint: dequantized?.inputs[2]?.constant };
}

async function signsOf({ tensor, zeroPoint }: FoundWeight): Promise<Int8Array> {
  const count = elementCount(tensor.shape);
  const zero = zeroPoint === undefined ? 0 : ((await numbersOf(zeroPoint))[0] ?? 0);
  const bits = ELEMENT_BITS[tensor.type];
  // Sampled where they lie: a weight may be larger than what fits into memory beside the others.
  const step = Math.max(1, Math.floor(count / SAMPLED));
  const places = Array.from({ length: Math.min(SAMPLED, count) }, (_, index) => index * step);
  if (bits < 8) return Int8Array.from(places, () => 0);
  const bytes = bits / 8;
  const picked = new Uint8Array(places.length * bytes);
  for (const [index, place] of places.entries())
    picked.set(await tensor.data.read(place * bytes, bytes), index * bytes);
  const numbers = await numbersOf({
    type: tensor.type,
    shape: [places.length],
    data: { length: picked.length, read: async () => picked },
  });
  return Int8Array.from(numbers, (value) => Math.sign(value - zero));
}
