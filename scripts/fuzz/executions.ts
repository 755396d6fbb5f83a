import type { InputKind } from "./exercise.ts";
import { mutateBolt } from "./mutate-bolt.ts";
import { mutateBytes } from "./mutate-bytes.ts";
import { mutateJson } from "./mutate-json.ts";
import { mutateGraphDef, mutateOnnx } from "./mutate-messages.ts";
import { mutatePair } from "./pair.ts";
import { Random } from "./random.ts";
import type { Seed } from "./seeds.ts";

/** A damaged file. */
export interface Input {
  /** Of what it was made. */
  readonly seed: string;
  readonly kind: InputKind;
  readonly bytes: Uint8Array;
}

type Mutate = (bytes: Uint8Array, random: Random) => Uint8Array | Promise<Uint8Array>;

const STRUCTURE: Readonly<Partial<Record<InputKind, Mutate>>> = {
  onnx: mutateOnnx,
  bolt: mutateBolt,
  json: mutateJson,
  tensorflow: mutateGraphDef,
  tflite: mutateBytes,
  caffe: mutatePair,
};

/** How often a kind is chosen. */
const SHARES: readonly (readonly [InputKind, number])[] = [
  ["onnx", 0.25],
  ["bolt", 0.2],
  ["tensorflow", 0.08],
  ["tflite", 0.06],
  ["caffe", 0.06],
  ["json", 0.12],
  ["npy", 0.08],
  ["npz", 0.05],
  ["picture", 0.1],
];

/** The input of execution `index`: the same for the same seeds, base seed and index. */
export async function inputOf(seeds: readonly Seed[], baseSeed: number, index: number): Promise<Input> {
  const random = randomOf(baseSeed, index);
  const kind = kindOf(random);
  const { name, bytes } = random.pick(seeds.filter((seed) => seed.kind === kind));
  const structural = STRUCTURE[kind];
  const mutate = structural === undefined || (kind !== "caffe" && random.chance(0.15)) ? mutateBytes : structural;
  return { seed: name, kind, bytes: await mutate(bytes, random) };
}

/** What the options of execution `index` are chosen by. */
export function seedOf(baseSeed: number, index: number): number {
  return Math.imul(baseSeed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b);
}

function randomOf(baseSeed: number, index: number): Random {
  return new Random(seedOf(baseSeed, index) ^ 0x5bd1e995);
}

function kindOf(random: Random): InputKind {
  let rest = random.next();
  for (const [kind, share] of SHARES) {
    if (rest < share) return kind;
    rest -= share;
  }
  return "onnx";
}
