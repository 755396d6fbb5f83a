import { elementCount } from "../../graph/tensor.ts";
import type { OperatorContext } from "./operator-context.ts";

/** Lists longer than any shape are left to be computed. */
const MOST_NUMBERS = 64;

type Fold = (context: OperatorContext) => Promise<readonly number[] | undefined>;

/** The numbers of all inputs, each a scalar or list of whole numbers; undefined where one is not known. */
async function known(context: OperatorContext): Promise<readonly (readonly number[])[] | undefined> {
  const lists = [];
  for (const index of context.operator.inputs.keys()) {
    const list = context.has(index) ? await context.knownIntegers(index) : undefined;
    if (list === undefined) return undefined;
    lists.push(list);
  }
  return lists;
}

const joined: Fold = async (context) => (await known(context))?.flat();

const passed: Fold = async (context) => (await known(context))?.[0];

const elementwise =
  (calculate: (one: number, other: number) => number): Fold =>
  async (context) => {
    const [left, right] = (await known(context)) ?? [];
    if (left === undefined || right === undefined) return undefined;
    const at = (list: readonly number[], index: number) => list[list.length === 1 ? 0 : index]!;
    return Array.from({ length: Math.max(left.length, right.length) }, (_, index) =>
      calculate(at(left, index), at(right, index)),
    );
  };

const sliced: Fold = async (context) => {
  const options = context.operator.options;
  const [list, begin, end, stride] = (await known(context)) ?? [];
  if (list === undefined || begin?.length !== 1 || end?.length !== 1 || stride?.[0] !== 1) return undefined;
  const mask = async (field: number) => ((await options?.int32(field)) ?? 0) !== 0;
  const from = (await mask(0)) ? 0 : begin[0]!;
  const to = (await mask(4)) ? (from === -1 ? undefined : from + 1) : (await mask(1)) ? undefined : end[0];
  return list.slice(from, to);
};

const shape: Fold = async (context) => {
  const tensor = context.tensor(0);
  return tensor.signature.includes(-1) ? context.lastShape(0) : tensor.shape;
};

const FOLDS: Readonly<Record<string, Fold>> = {
  SHAPE: shape,
  STRIDED_SLICE: sliced,
  PACK: joined,
  CONCATENATION: joined,
  CAST: passed,
  RESHAPE: async (context) => context.knownIntegers(0),
  EXPAND_DIMS: async (context) => context.knownIntegers(0),
  SQUEEZE: async (context) => context.knownIntegers(0),
  ADD: elementwise((one, other) => one + other),
  SUB: elementwise((one, other) => one - other),
  MUL: elementwise((one, other) => one * other),
};

/** What an operator computes of sizes alone: a list of whole numbers; undefined where it reads anything else. */
export async function foldSizes(context: OperatorContext): Promise<readonly number[] | undefined> {
  const result = context.result();
  if (!/^int(32|64)$/.test(result.type) || elementCount(result.shape) > MOST_NUMBERS) return undefined;
  return Object.hasOwn(FOLDS, context.operator.type) ? FOLDS[context.operator.type]!(context) : undefined;
}
