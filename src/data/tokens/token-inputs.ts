import { denseTensor, denseValues } from "../../graph/dense-values.ts";
import { type DenseTensor, elementCount } from "../../graph/tensor.ts";
import type { Signature } from "../../onnx/model.ts";

/** The input that the ids of tokens go to. */
export const TOKEN_IDS = "input_ids";

/** Tokens of a sample: rows of `length` ids, and which of them are no padding. */
interface Tokens {
  readonly rows: number;
  readonly length: number;
  /** 1 for a token, 0 for padding; row after row. */
  readonly mask: ArrayLike<number>;
}

/** Shape, without free dimensions, and elements of an input that follows from the tokens. */
type Filler = (tokens: Tokens, input: Signature) => readonly [shape: readonly number[], values: ArrayLike<number>];

const zeros = (count: number) => new Float64Array(count);

/** Inputs that follow from the tokens, named as transformers names them. Of a cache that is all: nothing is in it yet. */
const FILLERS: readonly (readonly [name: RegExp, fill: Filler])[] = [
  [/^attention_mask$/, ({ rows, length, mask }) => [[rows, length], mask]],
  [/^token_type_ids$/, ({ rows, length }) => [[rows, length], zeros(rows * length)]],
  [/^position_ids$/, (tokens) => [[tokens.rows, tokens.length], positions(tokens)]],
  [/^cache_position$/, ({ length }) => [[length], Array.from({ length }, (_, index) => index)]],
  [/^use_cache_branch$/, () => [[1], [0]]],
  [/^past(_key_values)?(\.|_|$)/, ({ rows }, input) => [emptyShape(rows, input), []]],
];

/** Whether a model reads tokens. */
export function readsTokens(inputs: readonly Signature[]): boolean {
  return inputs.some(({ name }) => name === TOKEN_IDS);
}

/** Whether the input follows from the ids of the tokens, so that an example need not give it. */
export function followsFromTokens({ name }: Signature): boolean {
  return FILLERS.some(([pattern]) => pattern.test(name));
}

/**
 * The example with what it lacks of `inputs` and follows from its ids: a mask of ones, types of 0, positions that count
 * tokens, an empty cache of keys and values.
 */
export function withTokenInputs(
  example: ReadonlyMap<string, DenseTensor>,
  inputs: readonly Signature[],
): Map<string, DenseTensor> {
  const tokens = tokensOf(example);
  return new Map(
    inputs.flatMap((input) => {
      const given = example.get(input.name) ?? (tokens && filled(tokens, input));
      return given === undefined ? [] : [[input.name, given] as const];
    }),
  );
}

function tokensOf(example: ReadonlyMap<string, DenseTensor>): Tokens | undefined {
  const ids = example.get(TOKEN_IDS);
  if (ids === undefined) return undefined;
  const length = ids.shape.at(-1) ?? 1;
  const rows = length === 0 ? 1 : elementCount(ids.shape) / length;
  const mask = example.get("attention_mask");
  return { rows, length, mask: mask === undefined ? zeros(rows * length).fill(1) : denseValues(mask) };
}

function filled(tokens: Tokens, input: Signature): DenseTensor | undefined {
  const [, fill] = FILLERS.find(([pattern]) => pattern.test(input.name)) ?? [];
  if (fill === undefined) return undefined;
  const [shape, values] = fill(tokens, input);
  return denseTensor(input.type?.type ?? "int64", shape, values);
}

/** As transformers counts: padding takes no place. */
function positions({ rows, length, mask }: Tokens): Float64Array {
  const places = zeros(rows * length);
  for (let row = 0; row < rows; row++) {
    for (let index = 0, place = 0; index < length; index++) {
      places[row * length + index] = place;
      if (mask[row * length + index] !== 0) place += 1;
    }
  }
  return places;
}

/** Free dimensions of a cache are the batch, which comes first, and the length, which is 0. */
function emptyShape(rows: number, { type }: Signature): number[] {
  return (type?.shape ?? [rows, 0]).map((size, axis) => (typeof size === "number" ? size : axis === 0 ? rows : 0));
}
